/* pac_parse, pac_table, pac_model: documents to models, all faults at once, networks to ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pac/pac_parse.h"

static struct pac_model *good(const char *document)
{
    struct report r;
    struct pac_model *m = NULL;
    enum err e = pac_parse(str_of(document), &r, &m);
    for (size_t i = 0; i < r.n_faults; i++)
        print_error("%s %s %s\n", r.faults[i].pointer, r.faults[i].code, r.faults[i].message);
    assert_int_equal(e, OK);
    report_fini(&r);
    return m;
}

static void test_default(void **state)
{
    (void)state;
    struct str d = pac_parse_default_document();
    char *text = str_dup(d);
    struct pac_model *m = good(text);
    free(text);
    assert_int_equal(m->n_profiles, 1);
    assert_int_equal(m->profiles[0].n_routes, 2);
    assert_false(m->profiles[0].routes[PAC_ROUTE_DEFAULT].then_direct);
    assert_int_equal(m->profiles[0].n_v4, 5);
    assert_int_equal(m->profiles[0].n_v6, 3);
    struct pac_model *again = pac_model_ref(m);
    pac_model_unref(m);
    assert_int_equal(again->n_profiles, 1);
    pac_model_unref(again);
    pac_model_unref(NULL);
}

/* One profile around a piece of JSON. */
static char *around(const char *inner)
{
    char *text = NULL;
    if (asprintf(&text,
                 "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"p.example\",\"port\":"
                 "3128}]%s}]}",
                 inner) < 0)
        abort();
    return text;
}

struct fault_case {
    const char *why, *document, *pointer, *code;
};

static void test_faults(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        {"not JSON", "{", "", "bad-json"},
        {"not an object", "[]", "", "wrong-type"},
        {"no profile", "{}", "/profiles", "no-default"},
        {"key twice", "{\"url\":\"\",\"url\":\"\"}", "", "bad-json"},
        {"unknown key", "{\"profiles\":[{\"name\":\"x\",\"fallback\":\"direct\",\"a/b\":1}]}",
         "/profiles/0/a~1b", "unknown-key"},
        {"no way out", "{\"profiles\":[{\"name\":\"x\"}]}", "/profiles/0/proxies", "no-proxy"},
        {"bad name", "{\"profiles\":[{\"name\":\"x*/\",\"fallback\":\"direct\"}]}",
         "/profiles/0/name", "bad-name"},
        {"proxy without port",
         "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"p.example\"}]}]}",
         "/profiles/0/proxies/0", "no-port"},
        {"port 0",
         "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"p.example\",\"port\":0}]}]}",
         "/profiles/0/proxies/0/port", "out-of-range"},
        {"bad proxy host",
         "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"a\\\"b\",\"port\":1}]}]}",
         "/profiles/0/proxies/0/host", "bad-host"},
        {"weight",
         "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"p\",\"port\":1,\"weight\":9}]}]}",
         "/profiles/0/proxies/0/weight", "out-of-range"},
        {"type",
         "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"p\",\"port\":1,\"type\":\"ftp\"}]"
         "}]}",
         "/profiles/0/proxies/0/type", "unknown-value"},
        {"url", "{\"url\":\"file:///x\",\"profiles\":[{\"name\":\"x\",\"fallback\":\"direct\"}]}",
         "/url", "bad-url"},
        {"two open profiles",
         "{\"profiles\":[{\"name\":\"x\",\"fallback\":\"direct\"},{\"name\":\"y\",\"fallback\":"
         "\"direct\"}]}",
         "/profiles", "no-default"},
        {"same name",
         "{\"profiles\":[{\"name\":\"x\",\"fallback\":\"direct\"},{\"name\":\"x\",\"fallback\":"
         "\"direct\","
         "\"networks\":[\"10.0.0.0/8\"]}]}",
         "/profiles/1", "same-name"},
    };
    static const struct fault_case inner[] = {
        {"address as a domain", ",\"direct\":{\"domains\":[\"10.0.0.1\"]}",
         "/profiles/0/direct/domains/0", "address"},
        {"odd address as a name", ",\"direct\":{\"exact\":[\"0x7f.1\"]}",
         "/profiles/0/direct/exact/0", "address"},
        {"host bits", ",\"direct\":{\"networks\":[\"10.0.0.1/8\"]}",
         "/profiles/0/direct/networks/0", "bad-network"},
        {"space in a name", ",\"direct\":{\"domains\":[\"a b\"]}", "/profiles/0/direct/domains/0",
         "bad-host"},
        {"empty name", ",\"direct\":{\"domains\":[\"\"]}", "/profiles/0/direct/domains/0", "empty"},
        {"number as a name", ",\"direct\":{\"domains\":[1]}", "/profiles/0/direct/domains/0",
         "wrong-type"},
        {"scheme", ",\"direct\":{\"schemes\":[\"f\\\"p\"]}", "/profiles/0/direct/schemes/0",
         "bad-scheme"},
        {"port", ",\"direct\":{\"ports\":[70000]}", "/profiles/0/direct/ports/0", "bad-port"},
        {"list as object", ",\"direct\":{\"ports\":{}}", "/profiles/0/direct/ports", "wrong-type"},
        {"flag", ",\"resolve_names\":1", "/profiles/0/resolve_names", "wrong-type"},
        {"name in two routes",
         ",\"direct\":{\"domains\":[\"a.example\"]},\"routes\":[{\"name\":\"r\",\"fallback\":"
         "\"direct\","
         "\"domains\":[\"A.EXAMPLE.\"]}]",
         "/profiles/0/routes/0/domains/0", "two-routes"},
        {"network in two routes",
         ",\"direct\":{\"networks\":[\"10.0.0.0/"
         "8\"]},\"routes\":[{\"name\":\"r\",\"fallback\":\"direct\","
         "\"networks\":[\"10.0.0.0/8\"]}]",
         "/profiles/0/routes/0/networks/0", "two-routes"},
        {"route named as one of ours",
         ",\"routes\":[{\"name\":\"direct\",\"fallback\":\"direct\"}]", "/profiles/0/routes/0",
         "same-name"},
    };
    size_t n = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < n + sizeof inner / sizeof *inner; i++) {
        const struct fault_case *c = i < n ? &cases[i] : &inner[i - n];
        char *text = i < n ? strdup(c->document) : around(c->document);
        struct report r;
        struct pac_model *m = NULL;
        assert_int_equal(pac_parse(str_of(text), &r, &m), ERR_INVALID);
        assert_null(m);
        bool found = false;
        for (size_t k = 0; k < r.n_faults; k++)
            found |= strcmp(r.faults[k].pointer, c->pointer) == 0 &&
                     strcmp(r.faults[k].code, c->code) == 0;
        if (!found)
            fail_msg("%s: no %s at %s but %s at %s", c->why, c->code, c->pointer,
                     r.n_faults ? r.faults[0].code : "-", r.n_faults ? r.faults[0].pointer : "-");
        report_fini(&r);
        free(text);
    }
}

static void test_all_at_once(void **state)
{
    (void)state;
    char *text = around(",\"direct\":{\"domains\":[\"a b\",\"ok.example\",\"c d\"],\"ports\":[0]},"
                        "\"sharing\":\"x\",\"more\":1");
    struct report r;
    struct pac_model *m;
    assert_int_equal(pac_parse(str_of(text), &r, &m), ERR_INVALID);
    assert_int_equal(r.n_faults, 5);
    report_fini(&r);
    free(text);
}

static uint16_t route_of(const struct pac_profile *p, uint32_t ip)
{
    for (size_t i = 0; i < p->n_v4; i++) {
        if (ip >= p->v4[i].lo && ip <= p->v4[i].hi)
            return p->v4[i].route;
    }
    return 999;
}

/* Nested networks against the plain meaning: the longest one that has the address. */
static void test_ranges(void **state)
{
    (void)state;
    char *text = around(",\"direct\":{\"networks\":[\"0.0.0.0/0\",\"10.0.0.0/8\",\"10.1.2.128/"
                        "25\",\"255.255.255.255/32\"]},"
                        "\"routes\":[{\"name\":\"a\",\"fallback\":\"direct\",\"networks\":[\"10.1."
                        "0.0/16\",\"10.255.255.255/32\","
                        "\"255.0.0.0/8\",\"10.1.2.128/26\"]}]");
    static const struct {
        uint32_t ip;
        uint16_t route;
    } want[] = {{0, 0},          {0x0a000000, 0}, {0x0a00ffff, 0}, {0x0a010000, 2}, {0x0a01027f, 2},
                {0x0a010280, 2}, {0x0a0102bf, 2}, {0x0a0102c0, 0}, {0x0a0102ff, 0}, {0x0a010300, 2},
                {0x0a01ffff, 2}, {0x0a020000, 0}, {0x0afffffe, 0}, {0x0affffff, 2}, {0x0b000000, 0},
                {0xfeffffff, 0}, {0xff000000, 2}, {0xfffffffe, 2}, {0xffffffff, 0}};
    struct pac_model *m = good(text);
    const struct pac_profile *p = &m->profiles[0];
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        if (route_of(p, want[i].ip) != want[i].route)
            fail_msg("%08x: %u, not %u", want[i].ip, route_of(p, want[i].ip), want[i].route);
    }
    for (size_t i = 1; i < p->n_v4; i++)
        assert_true(p->v4[i - 1].hi < p->v4[i].lo);
    assert_int_equal(p->n_v6, 0);
    pac_model_unref(m);
    free(text);
}

static void test_profiles(void **state)
{
    (void)state;
    struct pac_model *m =
        good("{\"profiles\":[{\"name\":\"all\",\"fallback\":\"direct\"},"
             "{\"name\":\"site\",\"fallback\":\"direct\",\"networks\":[\"10.0.0.0/8\",\"2001:db8::/"
             "32\"]},"
             "{\"name\":\"lab\",\"fallback\":\"direct\",\"networks\":[\"10.9.0.0/16\"]}]}");
    static const struct {
        const char *ip;
        size_t profile;
    } want[] = {{"192.0.2.1", 0}, {"10.1.1.1", 1}, {"10.9.1.1", 2}, {"2001:db8::1", 1}, {"::1", 0}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct ip ip;
        assert_int_equal(ip_parse(str_of(want[i].ip), &ip), OK);
        assert_int_equal(pac_model_profile_for(m, &ip), want[i].profile);
    }
    size_t at;
    assert_int_equal(pac_model_profile_named(m, STR("lab"), &at), OK);
    assert_int_equal(at, 2);
    assert_int_equal(pac_model_profile_named(m, STR("none"), &at), ERR_NOT_FOUND);
    pac_model_unref(m);
}

static void test_warnings(void **state)
{
    (void)state;
    struct report r;
    struct pac_model *m;
    size_t n = 30000;
    char *text = around(",\"resolve_names\":true,\"direct\":{\"domains\":[@]}");
    char *full = malloc(n * 32 + strlen(text) + 1), *at = full;
    size_t cut = strcspn(text, "@");
    at += sprintf(at, "%.*s", (int)cut, text);
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, "%s\"name-%zu.example\"", i ? "," : "", i);
    sprintf(at, "%s", text + cut + 1);
    assert_int_equal(pac_parse(str_of(full), &r, &m), OK);
    assert_int_equal(r.n_warnings, 2);
    assert_string_equal(r.warnings[1].code, "large");
    pac_model_unref(m);
    report_fini(&r);
    free(full);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default),     cmocka_unit_test(test_faults),
        cmocka_unit_test(test_all_at_once), cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_profiles),    cmocka_unit_test(test_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
