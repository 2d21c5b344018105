/* settings_upstreams: defaults, values, each fault with its pointer, all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "db/settings_upstreams.h"

static void nothing_is_the_default(void **state)
{
    (void)state;
    struct settings_upstreams s;
    struct report r;
    assert_int_equal(settings_upstreams_parse(settings_upstreams_default_document(), &r, &s), OK);
    assert_int_equal(s.n, 0);
    assert_int_equal(s.standard.n, 0);
    report_fini(&r);
    settings_upstreams_fini(&s);
}

static void values_are_read(void **state)
{
    (void)state;
    struct settings_upstreams s;
    struct report r;
    struct str doc =
        STR("{\"groups\":[{\"name\":\"hq\",\"members\":[{\"address\":\"Proxy1.Corp.Example:3128\","
            "\"username\":\"u\",\"password\":\"p:w\",\"weight\":7,\"proxy_protocol\":\"v2\"},"
            "{\"address\":\"[2001:db8::1]:8080\",\"backup\":true}],\"balance\":\"client-hash\","
            "\"when_all_down\":\"direct\",\"check\":{\"interval_ms\":0,\"retry_ms\":700}}],"
            "\"default\":\"hq\"}");
    assert_int_equal(settings_upstreams_parse(doc, &r, &s), OK);
    const struct settings_upstreams_group *g = &s.groups[0];
    const struct settings_upstreams_member *m = g->members;
    assert_int_equal(s.n, 1);
    assert_int_equal(g->n, 2);
    assert_true(str_eq(s.standard, STR("hq")));
    assert_true(str_eq(host_str(&m[0].host), STR("proxy1.corp.example")));
    assert_int_equal(m[0].port, 3128);
    assert_true(str_eq(m[0].password, STR("p:w")));
    assert_int_equal(m[0].weight, 7);
    assert_int_equal(m[0].proxy_protocol, 2);
    assert_true(m[1].host.is_ip && m[1].is_backup);
    assert_int_equal(m[1].weight, 1);
    assert_int_equal(g->balance, 2);
    assert_true(g->is_direct_when_down);
    assert_int_equal(g->interval_ms, 0);
    assert_int_equal(g->retry_ms, 700);
    assert_int_equal(g->down_after, 2);
    report_fini(&r);
    settings_upstreams_fini(&s);
}

/* "default": "direct" and null say the same as nothing. */
static void direct_is_no_group(void **state)
{
    (void)state;
    static const char *const documents[] = {"{}", "{\"default\":null}", "{\"default\":\"direct\"}"};
    for (size_t i = 0; i < 3; i++) {
        struct settings_upstreams s;
        struct report r;
        assert_int_equal(settings_upstreams_parse(str_of(documents[i]), &r, &s), OK);
        assert_int_equal(s.standard.n, 0);
        report_fini(&r);
        settings_upstreams_fini(&s);
    }
}

#define GROUP(more)  "{\"groups\":[{\"name\":\"a\",\"members\":[{\"address\":\"x:1\"}]" more "}]}"
#define MEMBER(text) "{\"groups\":[{\"name\":\"a\",\"members\":[" text "]}]}"

static const struct {
    const char *document, *pointer;
} faults[] = {
    {"[]", ""},
    {"{", ""},
    {"{\"groups\":{}}", "/groups"},
    {"{\"group\":[]}", "/group"},
    {"{\"default\":\"hq\"}", "/default"},
    {"{\"default\":7}", "/default"},
    {"{\"groups\":[7]}", "/groups/0"},
    {"{\"groups\":[{\"name\":\"a\"}]}", "/groups/0/members"},
    {"{\"groups\":[{\"name\":\"a\",\"members\":[]}]}", "/groups/0/members"},
    {"{\"groups\":[{\"name\":\"a b\",\"members\":[{\"address\":\"x:1\"}]}]}", "/groups/0/name"},
    {"{\"groups\":[{\"name\":\"direct\",\"members\":[{\"address\":\"x:1\"}]}]}", "/groups/0/name"},
    {"{\"groups\":[{\"members\":[{\"address\":\"x:1\"}]}]}", "/groups/0/name"},
    {GROUP(",\"balance\":\"random\""), "/groups/0/balance"},
    {GROUP(",\"when_all_down\":\"perhaps\""), "/groups/0/when_all_down"},
    {GROUP(",\"connect_timeout_ms\":1"), "/groups/0/connect_timeout_ms"},
    {GROUP(",\"answer_timeout_ms\":300001"), "/groups/0/answer_timeout_ms"},
    {GROUP(",\"check\":7"), "/groups/0/check"},
    {GROUP(",\"check\":{\"timeout_ms\":\"x\"}"), "/groups/0/check/timeout_ms"},
    {GROUP(",\"check\":{\"down_after\":0}"), "/groups/0/check/down_after"},
    {GROUP(",\"check\":{\"kind\":\"ping\"}"), "/groups/0/check/kind"},
    {GROUP(",\"check\":{\"kind\":\"http\",\"url\":\"https://a/\"}"), "/groups/0/check/url"},
    {GROUP(",\"check\":{\"kind\":\"http\",\"url\":\"http://a/ b\"}"), "/groups/0/check/url"},
    {GROUP(",\"check\":{\"url\":\"http://a/\"}"), "/groups/0/check/url"},
    {GROUP(",\"check\":{\"interval\":1}"), "/groups/0/check/interval"},
    {MEMBER("{}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"x\"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"x:\"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\":1\"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"x:0\"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"x:65536\"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"x:1 \"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"http://x:1\"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"x y:1\"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"2001:db8::1:80\"}"), "/groups/0/members/0/address"},
    {MEMBER("{\"address\":\"x:1\",\"weight\":0}"), "/groups/0/members/0/weight"},
    {MEMBER("{\"address\":\"x:1\",\"weight\":1.5}"), "/groups/0/members/0/weight"},
    {MEMBER("{\"address\":\"x:1\",\"backup\":1}"), "/groups/0/members/0/backup"},
    {MEMBER("{\"address\":\"x:1\",\"proxy_protocol\":2}"), "/groups/0/members/0/proxy_protocol"},
    {MEMBER("{\"address\":\"x:1\",\"username\":\"a:b\"}"), "/groups/0/members/0/username"},
    {MEMBER("{\"address\":\"x:1\",\"username\":\"a\",\"password\":\"b\\r\\nX: y\"}"),
     "/groups/0/members/0/password"},
    {MEMBER("{\"address\":\"x:1\",\"password\":\"b\"}"), "/groups/0/members/0/username"},
    {MEMBER("{\"address\":\"x:1\"},{\"address\":\"X:1\"}"), "/groups/0/members/1/address"},
    {"{\"groups\":[{\"name\":\"a\",\"members\":[{\"address\":\"x:1\"}]},{\"name\":\"a\","
     "\"members\":[{\"address\":\"x:1\"}]}]}",
     "/groups/1/name"},
    {MEMBER("{\"address\":\"x:1\",\"user\":\"a\"}"), "/groups/0/members/0/user"},
};

static void each_fault_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct settings_upstreams s;
        struct report r;
        bool is_there = false;
        enum err e = settings_upstreams_parse(str_of(faults[i].document), &r, &s);
        if (e != ERR_INVALID)
            fail_msg("%s: %s", faults[i].document, err_name(e));
        for (size_t k = 0; k < r.n_faults; k++)
            is_there = is_there || strcmp(r.faults[k].pointer, faults[i].pointer) == 0;
        if (!is_there)
            fail_msg("%s: no fault at \"%s\" but at \"%s\"", faults[i].document, faults[i].pointer,
                     r.n_faults ? r.faults[0].pointer : "(none)");
        report_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_the_default),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(direct_is_no_group),
        cmocka_unit_test(each_fault_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
