/* What people are told: the entry that fitted, the rule that decided, what would turn the answer.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policies/compile.h"
#include "policies/explain.h"
#include "policies/set_domain.h"

static const char document[] =
    "{\"default\":{\"action\":\"block\",\"message\":\"by default\"},\"lists\":["
    "{\"name\":\"ok\",\"kind\":\"domains\",\"entries\":[\"good.test\",\"very.good.test\"]},"
    "{\"name\":\"pats\",\"kind\":\"url_patterns\",\"entries\":[\"/a[0-9]\",\"casino\"]},"
    "{\"name\":\"office\",\"kind\":\"networks\",\"entries\":[\"10.0.0.0/8\",\"10.1.0.0/16\"]}],"
    "\"rules\":["
    "{\"id\":\"off\",\"enabled\":false,\"action\":\"block\"},"
    "{\"id\":\"gone\",\"expires_at\":\"2026-01-01T00:00:00Z\",\"action\":\"block\"},"
    "{\"id\":\"watch\",\"shadow\":true,\"when\":{\"hosts\":[\"test\"]},\"action\":\"block\"},"
    "{\"id\":\"cat\",\"when\":{\"categories\":[\"gambling\"]},\"unless\":{\"users\":[\"boss\","
    "\"aide\"]},\"action\":\"block\",\"message\":\"no games\"},"
    "{\"id\":\"url\",\"when\":{\"lists\":[\"pats\"]},\"action\":\"warn\"},"
    "{\"id\":\"ok\",\"when\":{\"lists\":[\"ok\"],\"networks\":[\"10.0.0.0/8\"]},\"action\":"
    "\"allow\"},"
    "{\"id\":\"in\",\"when\":{\"lists\":[\"office\"],\"groups\":[\"staff\"]},\"action\":\"allow\"}"
    "],\"tests\":[{\"name\":\"a\",\"url\":\"http://very.good.test/\",\"client\":\"10.1.1.1\","
    "\"expect\":\"allow\"},{\"name\":\"b\",\"url\":\"http://poker.test/\",\"expect\":\"allow\"},"
    "{\"name\":\"c\",\"url\":\"nonsense://\",\"expect\":\"block\"}]}";

static enum err append(void *ctx, struct str bytes)
{
    buf_add(ctx, bytes);
    return OK;
}

struct fixture {
    struct buf bytes;
    struct category_index *index;
    struct snapshot *s;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct str name = STR("gambling");
    struct set_domain_builder *b;
    struct report report;
    assert_non_null(f);
    buf_init(&f->bytes, 1 << 20);
    assert_int_equal(set_domain_builder_new(&name, 1, &b), OK);
    assert_int_equal(set_domain_builder_add(b, 0, SET_DOMAIN_NAME, STR("poker.test")), OK);
    assert_int_equal(set_domain_builder_finish(b, append, &f->bytes, NULL), OK);
    set_domain_builder_free(b);
    assert_int_equal(category_index_open(buf_str(&f->bytes), NULL, NULL, &f->index), OK);
    struct compile_input in = {.document = str_of(document), .version = 3, .index = f->index};
    assert_int_equal(policy_compile(&in, &report, &f->s), OK);
    report_fini(&report);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    snapshot_unref(f->s);
    category_index_unref(f->index);
    buf_fini(&f->bytes);
    free(f);
    return 0;
}

static json_t *asked(const struct fixture *f, const char *request)
{
    struct report report;
    json_t *r = json_loads(request, JSON_REJECT_DUPLICATES, NULL), *out = NULL;
    report_init(&report);
    assert_non_null(r);
    assert_int_equal(explain_request(f->s, r, INT64_C(1795427000000), &report, &out), OK);
    report_fini(&report);
    json_decref(r);
    return out;
}

static const char *text_of(const json_t *o, const char *name)
{
    const char *z = json_string_value(json_object_get(o, name));
    return z ? z : "";
}

/* "id:fit" of every rule, then of the deciding rule "key=value<entry" of its conditions. */
static void told(const json_t *answer, struct buf *b)
{
    size_t i, k;
    json_t *rule, *c;
    json_array_foreach(json_object_get(answer, "trace"), i, rule)
    {
        buf_addf(b, "%s%s:%s", i ? " " : "", text_of(rule, "id"), text_of(rule, "fit"));
        if (!json_is_true(json_object_get(rule, "decided")))
            continue;
        json_array_foreach(json_object_get(rule, "conditions"), k, c)
            buf_addf(b, "[%s=%s<%s]", text_of(c, "key"), text_of(c, "value"), text_of(c, "entry"));
    }
}

static const struct {
    const char *why, *request, *action, *want, *flips; /* "rule/key/value>action ..." */
} rows[] = {
    {"category, by its entry", "{\"url\":\"http://www.poker.test/\",\"user\":\"bob\"}", "block",
     "off:no gone:no watch:yes cat:yes[categories=gambling<poker.test][users=<] url:no ok:no in:no",
     ""},
    {"exempt", "{\"url\":\"http://poker.test/\",\"user\":\"Boss\",\"client\":\"10.2.0.1\"}",
     "block", "off:no gone:no watch:yes cat:no url:no ok:no in:no",
     "in/groups/staff>allow ok/lists/ok>allow url/lists/pats>warn"},
    {"longest entry of a list", "{\"url\":\"http://x.very.good.test/\",\"client\":\"10.1.0.1\"}",
     "allow",
     "off:no gone:no watch:yes cat:no url:no ok:yes[networks=10.0.0.0/8<][lists=ok<very.good.test] "
     "in:no",
     "ok/networks/10.0.0.0/8>block ok/lists/ok>block url/lists/pats>warn "
     "cat/categories/gambling>block"},
    {"pattern of a list", "{\"url\":\"http://x.test/a7\"}", "warn",
     "off:no gone:no watch:yes cat:no url:yes[lists=pats</a[0-9]] ok:no in:no",
     "url/lists/pats>block cat/categories/gambling>block"},
    {"network of a list",
     "{\"url\":\"http://x.test/\",\"client\":\"10.1.0.1\",\"user\":\"u\",\"groups\":[\"staff\"]}",
     "allow",
     "off:no gone:no watch:yes cat:no url:no ok:no in:yes[groups=staff<][lists=office<10.1.0.0/16]",
     "in/groups/staff>block in/lists/office>block url/lists/pats>warn "
     "cat/categories/gambling>block"},
    {"the default", "{\"url\":\"http://x.test/\"}", "block",
     "off:no gone:no watch:yes cat:no url:no ok:no in:no", "url/lists/pats>warn"},
};

static void what_is_told(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *a = asked(*state, rows[i].request), *flip;
        struct buf b;
        size_t k;
        buf_init(&b, 1 << 16);
        told(a, &b);
        if (!str_eq(buf_str(&b), str_of(rows[i].want)))
            print_message("%s:\n wants %s\n got   %.*s\n", rows[i].why, rows[i].want,
                          STR_ARG(buf_str(&b)));
        assert_true(str_eq(buf_str(&b), str_of(rows[i].want)));
        assert_string_equal(text_of(a, "action"), rows[i].action);
        buf_clear(&b);
        json_array_foreach(json_object_get(a, "flip"), k, flip)
            buf_addf(&b, "%s%s/%s/%s>%s", k ? " " : "", text_of(flip, "rule"), text_of(flip, "key"),
                     text_of(flip, "value"), text_of(flip, "action"));
        if (!str_eq(buf_str(&b), str_of(rows[i].flips)))
            print_message("%s:\n wants %s\n got   %.*s\n", rows[i].why, rows[i].flips,
                          STR_ARG(buf_str(&b)));
        assert_true(str_eq(buf_str(&b), str_of(rows[i].flips)));
        buf_fini(&b);
        json_decref(a);
    }
}

static void the_verdict_is_the_engines(void **state)
{
    json_t *a = asked(*state, "{\"url\":\"https://WWW.poker.test.:443/x\",\"user\":\"bob\"}");
    assert_string_equal(text_of(a, "rule"), "cat");
    assert_string_equal(text_of(a, "message"), "no games");
    assert_string_equal(text_of(a, "host"), "www.poker.test");
    assert_string_equal(text_of(a, "url"), "https://www.poker.test/x");
    assert_int_equal(json_integer_value(json_object_get(a, "version")), 3);
    assert_string_equal(json_string_value(json_array_get(json_object_get(a, "categories"), 0)),
                        "gambling");
    assert_string_equal(json_string_value(json_array_get(json_object_get(a, "shadow"), 0)),
                        "watch");
    json_decref(a);
    a = asked(*state, "{\"url\":\"http://x.test/\"}");
    assert_true(json_is_null(json_object_get(a, "rule")));
    assert_string_equal(text_of(a, "message"), "by default");
    json_decref(a);
}

static void requests_with_faults(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *request, *pointer;
    } bad[] = {
        {"{}", "/url"},
        {"{\"url\":\"ftp://x/\"}", "/url"},
        {"{\"url\":\"http://x.test/\",\"client\":\"300.1.1.1\"}", "/client"},
        {"{\"url\":\"http://x.test/\",\"time\":\"noon\"}", "/time"},
        {"{\"url\":\"http://x.test/\",\"size_bytes\":-1}", "/size_bytes"},
        {"{\"url\":\"http://x.test/\",\"groups\":\"staff\"}", "/groups"},
        {"{\"url\":\"http://x.test/\",\"who\":1}", "/who"},
        {"[]", ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct report report;
        json_t *r = json_loads(bad[i].request, 0, NULL), *out = NULL;
        report_init(&report);
        assert_int_equal(explain_request(f->s, r, 0, &report, &out), ERR_INVALID);
        assert_true(report.n_faults > 0);
        assert_string_equal(report.faults[0].pointer, bad[i].pointer);
        report_fini(&report);
        json_decref(r);
    }
}

static void tests_of_the_document(void **state)
{
    struct fixture *f = *state;
    bool all = true;
    json_t *t = explain_tests(f->s, INT64_C(1795427000000), &all);
    assert_false(all);
    assert_int_equal(json_array_size(t), 3);
    assert_true(json_is_true(json_object_get(json_array_get(t, 0), "passed")));
    assert_false(json_is_true(json_object_get(json_array_get(t, 1), "passed")));
    assert_string_equal(text_of(json_array_get(t, 1), "got"), "block");
    assert_string_equal(text_of(json_array_get(t, 1), "rule"), "cat");
    assert_false(json_is_true(json_object_get(json_array_get(t, 2), "passed")));
    json_decref(t);
}

static const json_t *condition_of(const json_t *told, const char *rule, const char *key)
{
    size_t i, k;
    const json_t *r, *c;
    json_array_foreach(json_object_get(told, "trace"), i, r)
    {
        json_array_foreach(json_object_get(r, "conditions"), k, c)
        {
            if (!strcmp(text_of(r, "id"), rule) && !strcmp(text_of(c, "key"), key))
                return c;
        }
    }
    return NULL;
}

static void sentences_for_people(void **state)
{
    const struct fixture *f = *state;
    static const struct {
        const char *request, *why, *rule, *text;
    } said[] = {
        {"{\"url\":\"https://www.poker.test/x\",\"user\":\"ann\"}",
         "Blocked by rule \"cat\" (number 4), because the site is in the category gambling (by its "
         "entry poker.test).",
         "cat", "Fits: the site is in the category gambling (by its entry poker.test)."},
        {"{\"url\":\"https://www.poker.test/x\",\"user\":\"boss\"}",
         "Blocked by default: no rule fits this request.", "cat",
         "Does not fit: exempt, for the user is boss."},
        {"{\"url\":\"http://x.test/A7\"}",
         "Answered with a warning by rule \"url\" (number 5), because the request is on the list "
         "pats (by its entry /a[0-9]).",
         "off", "Switched off."},
        {"{\"url\":\"http://www.good.test/\",\"client\":\"10.1.1.1\"}",
         "Allowed by rule \"ok\" (number 6), because the client's address is in the network "
         "10.0.0.0/8, and the request is on the list ok (by its entry good.test).",
         "in", "Does not fit: the user is not in the group staff."},
        {"{\"url\":\"http://y.test/\",\"time\":\"2026-02-01T00:00:00Z\"}",
         "Blocked by default: no rule fits this request.", "gone", "Lapsed."},
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        json_t *told = asked(f, said[i].request);
        size_t k;
        const json_t *r;
        assert_string_equal(text_of(told, "why"), said[i].why);
        json_array_foreach(json_object_get(told, "trace"), k, r)
        {
            if (!strcmp(text_of(r, "id"), said[i].rule))
                assert_string_equal(text_of(r, "text"), said[i].text);
        }
        json_decref(told);
    }
}

static void the_way_into_a_group(void **state)
{
    const struct fixture *f = *state;
    const struct str groups[] = {STR("other"), STR("Staff")};
    const struct str paths[] = {STR("other"), STR("Staff<eng<team")};
    struct facts q = {.known = FACTS_BIT(FACTS_N_STAGES) - 1,
                      .now_ms = INT64_C(1795427000000),
                      .host = STR("z.test"),
                      .port = 80,
                      .user = STR("ann"),
                      .groups = groups,
                      .n_groups = 2,
                      .group_paths = paths,
                      .url = STR("http://z.test/"),
                      .size_bytes = UINT64_MAX};
    assert_int_equal(ip_parse(STR("10.1.2.3"), &q.client), OK);
    json_t *told = explain_facts(f->s, &q);
    const json_t *c = condition_of(told, "in", "groups");
    assert_string_equal(text_of(told, "rule"), "in");
    assert_int_equal(json_integer_value(json_object_get(told, "index")), 6);
    assert_string_equal(text_of(c, "path"), "Staff<eng<team");
    assert_string_equal(text_of(c, "text"),
                        "the user is in the group staff (by way of Staff<eng<team)");
    assert_string_equal(text_of(condition_of(told, "in", "lists"), "source"), "policy");
    assert_non_null(strstr(text_of(told, "why"), "by way of Staff<eng<team"));
    json_decref(told);
    q.known &= ~FACTS_BIT(FACTS_IDENTITY);
    told = explain_facts(f->s, &q);
    assert_string_equal(text_of(told, "why"),
                        "Not decided yet: rule \"in\" (number 7) depends on who asks.");
    json_decref(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told),         cmocka_unit_test(the_verdict_is_the_engines),
        cmocka_unit_test(requests_with_faults), cmocka_unit_test(sentences_for_people),
        cmocka_unit_test(the_way_into_a_group), cmocka_unit_test(tests_of_the_document),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
