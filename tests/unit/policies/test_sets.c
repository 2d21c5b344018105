/* Names and networks of a document, alone and at numbers that no single rule list reaches. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policies/compile.h"
#include "policies/decide.h"
#include "policies/set_name.h"
#include "policies/set_net.h"

struct seen {
    uint32_t id[64];
    unsigned n;
};

static void on_hit(void *ctx, uint32_t id)
{
    struct seen *s = ctx;
    if (s->n < 64)
        s->id[s->n++] = id;
}

static uint64_t mask_of(const struct seen *s)
{
    uint64_t m = 0;
    for (unsigned i = 0; i < s->n; i++)
        m |= UINT64_C(1) << s->id[i];
    return m;
}

static void find_name(const struct set_name *s, struct str host, bool is_ip, struct seen *out)
{
    struct set_name_probe p;
    set_name_begin(s, host, is_ip, &p);
    set_name_end(s, &p, on_hit, out);
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *why, *host;
        bool is_ip;
        uint64_t want;
    } rows[] = {
        {"itself", "a.test", false, 1},
        {"every level", "x.b.a.test", false, 3},
        {"look-alike", "ba.test", false, 0},
        {"parent", "test", false, 0},
        {"address", "192.0.2.7", true, 4},
        {"address is no suffix", "1.192.0.2.7", true, 0},
        {"address as a name's end", "9.192.0.2.7", true, 0},
        {"nothing", "", false, 0},
    };
    const struct str texts[] = {STR("a.test"), STR("b.a.test"), STR("192.0.2.7")};
    const struct str top[] = {STR("test")};
    struct set_name s;
    assert_int_equal(set_name_init(&s, texts, 3), OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen seen = {.n = 0};
        find_name(&s, str_of(rows[i].host), rows[i].is_ip, &seen);
        if (mask_of(&seen) != rows[i].want)
            print_message("%s\n", rows[i].why);
        assert_int_equal(mask_of(&seen), rows[i].want);
    }
    set_name_fini(&s);
    struct seen seen = {.n = 0};
    assert_int_equal(set_name_init(&s, top, 1), OK);
    find_name(&s, STR("a.b.test"), false, &seen);
    assert_int_equal(seen.n, 1);
    set_name_fini(&s);
    assert_int_equal(set_name_init(&s, NULL, 0), OK);
    find_name(&s, STR("a.test"), false, &seen);
    assert_int_equal(seen.n, 1);
    set_name_fini(&s);
}

/* Every network against every address, by the plain bit comparison of base/cidr.h. */
static void networks(void **state)
{
    (void)state;
    static const char *const nets[] = {
        "10.0.0.0/8",  "10.1.0.0/16",   "10.1.2.0/24",   "10.1.2.3",           "0.0.0.0/0",
        "::/0",        "2001:db8::/32", "2001:db8::1",   "2001:db8:8000::/33", "128.0.0.0/1",
        "10.1.2.2/31", "fe80::/10",     "192.0.2.128/25"};
    static const char *const clients[] = {
        "10.1.2.3",        "10.1.2.2", "10.1.3.1",    "10.9.0.1",        "11.0.0.0",
        "255.255.255.255", "0.0.0.0",  "2001:db8::1", "2001:db8:8000::", "2001:db9::",
        "fe80::1",         "::1",      "192.0.2.128", "192.0.2.127"};
    enum { N = sizeof nets / sizeof nets[0] };
    struct cidr c[N];
    struct set_net s = {0};
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(cidr_parse(str_of(nets[i]), &c[i]), OK);
        assert_int_equal(set_net_add(&s, &c[i], i), OK);
    }
    set_net_seal(&s);
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        struct ip ip;
        struct seen seen = {.n = 0};
        uint64_t want = 0;
        assert_int_equal(ip_parse(str_of(clients[i]), &ip), OK);
        for (uint32_t k = 0; k < N; k++)
            want |= (uint64_t)cidr_has(&c[k], &ip) << k;
        set_net_find(&s, &ip, on_hit, &seen);
        if (mask_of(&seen) != want)
            print_message("%s\n", clients[i]);
        assert_int_equal(mask_of(&seen), want);
    }
    set_net_fini(&s);
}

static struct snapshot *compile(struct str document)
{
    struct report report;
    struct snapshot *s = NULL;
    struct compile_input in = {.document = document, .version = 1, .index = NULL};
    enum err e = policy_compile(&in, &report, &s);
    if (report.n_faults)
        print_message("%s: %s\n", report.faults[0].pointer, report.faults[0].message);
    report_fini(&report);
    assert_int_equal(e, OK);
    return s;
}

static int rule_for(const struct snapshot *s, const char *host, const char *method)
{
    struct verdict v;
    struct facts f = {.known = FACTS_BIT(FACTS_N_STAGES) - 1,
                      .method = str_of(method),
                      .host = str_of(host),
                      .port = 80,
                      .url = STR("http://x.test/"),
                      .size_bytes = UINT64_MAX};
    policy_decide(s, &f, &v);
    assert_true(v.is_final);
    return v.rule;
}

/* One host in 500 lists of 500 rules: the last rule must still be found. */
static void one_host_in_many_lists(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 22);
    buf_add_z(&b, "{\"lists\":[");
    for (int i = 0; i < 500; i++)
        buf_addf(&b,
                 "%s{\"name\":\"l%d\",\"kind\":\"domains\",\"entries\":[\"x.test\",\"o%d.test\"]}",
                 i ? "," : "", i, i);
    buf_add_z(&b, "],\"rules\":[");
    for (int i = 0; i < 500; i++)
        buf_addf(&b,
                 "%s{\"id\":\"%d\",\"when\":{\"lists\":[\"l%d\"],\"methods\":[\"%s\"]},"
                 "\"action\":\"block\"}",
                 i ? "," : "", i, i, i == 499 ? "PUT" : "POST");
    buf_add_z(&b, "]}");
    struct snapshot *s = compile(buf_str(&b));
    assert_int_equal(rule_for(s, "www.x.test", "PUT"), 499);
    assert_int_equal(rule_for(s, "www.x.test", "POST"), 0);
    assert_int_equal(rule_for(s, "o77.test", "POST"), 77);
    snapshot_unref(s);
    buf_fini(&b);
}

/* More hosts than an index takes sets, more rules than one word of words. */
static void seventy_thousand_hosts(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 23);
    buf_add_z(&b, "{\"rules\":[");
    for (int r = 0; r < 5000; r++) {
        buf_addf(&b, "%s{\"id\":\"%d\",\"action\":\"block\",\"when\":{\"hosts\":[", r ? "," : "",
                 r);
        for (int h = 0; h < 14; h++)
            buf_addf(&b, "%s\"h%d.n%d.test\"", h ? "," : "", h, r);
        buf_add_z(&b, "]}}");
    }
    buf_add_z(&b, "]}");
    struct snapshot *s = compile(buf_str(&b));
    assert_int_equal(rule_for(s, "h0.n0.test", "GET"), 0);
    assert_int_equal(rule_for(s, "www.h13.n4999.test", "GET"), 4999);
    assert_int_equal(rule_for(s, "h14.n4999.test", "GET"), -1);
    snapshot_unref(s);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(networks),
        cmocka_unit_test(one_host_in_many_lists),
        cmocka_unit_test(seventy_thousand_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
