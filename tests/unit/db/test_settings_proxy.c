/* settings_proxy: defaults, each fault with its pointer, all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "db/settings_proxy.h"

static void defaults_are_the_default_document(void **state)
{
    (void)state;
    struct settings_proxy a, b;
    struct report r;
    assert_int_equal(settings_proxy_parse(STR("{}"), &r, &a), OK);
    report_fini(&r);
    assert_int_equal(settings_proxy_parse(settings_proxy_default_document(), &r, &b), OK);
    report_fini(&r);
    assert_true(str_eq(a.node, b.node) && str_eq(a.realm, b.realm));
    size_t from = offsetof(struct settings_proxy, head_ms);
    size_t to = offsetof(struct settings_proxy, refuse_when_log_full);
    assert_memory_equal((char *)&a + from, (char *)&b + from, to - from);
    assert_true(a.refuse_when_log_full && b.refuse_when_log_full);
    settings_proxy_fini(&a);
    settings_proxy_fini(&b);
}

static void values_are_read(void **state)
{
    (void)state;
    struct settings_proxy s;
    struct report r;
    assert_int_equal(settings_proxy_parse(STR("{\"node\":\"p1\",\"timeouts_ms\":{\"idle\":500},"
                                              "\"limits\":{\"fields\":64},"
                                              "\"when_log_full\":\"drop\"}"),
                                          &r, &s),
                     OK);
    assert_true(str_eq(s.node, STR("p1")));
    assert_int_equal(s.idle_ms, 500);
    assert_int_equal(s.fields, 64);
    assert_false(s.refuse_when_log_full);
    report_fini(&r);
    settings_proxy_fini(&s);
}

static void what_listeners_tell(void **state)
{
    (void)state;
    struct settings_proxy s;
    struct report r;
    struct ip ip;
    assert_int_equal(
        settings_proxy_parse(STR("{\"listeners\":[{\"listener\":\"127.0.0.1:3128\",\"privacy\":"
                                 "\"named\",\"trust_forwarded\":[\"10.0.0.0/8\"]},"
                                 "{\"listener\":\"[::1]:3128\",\"referer\":\"none\"}]}"),
                             &r, &s),
        OK);
    report_fini(&r);
    const struct privacy *p = privacy_settings_of(&s.privacy, STR("127.0.0.1:3128"));
    assert_non_null(p);
    assert_int_equal(p->mode, PRIVACY_NAMED);
    assert_true(p->has_mode && !p->has_referer);
    assert_int_equal(ip_parse(STR("10.1.2.3"), &ip), OK);
    assert_true(privacy_trusts(p, &ip));
    assert_int_equal(ip_parse(STR("11.1.2.3"), &ip), OK);
    assert_false(privacy_trusts(p, &ip));
    const struct privacy *six = privacy_settings_of(&s.privacy, STR("[::1]:3128"));
    assert_true(six && six->referer == PRIVACY_REFERER_NONE && !six->has_mode);
    assert_null(privacy_settings_of(&s.privacy, STR("127.0.0.1:3129")));
    struct privacy file = {.mode = PRIVACY_HIGH_ANONYMITY, .has_mode = true};
    struct privacy both = privacy_join(&file, p);
    assert_int_equal(both.mode, PRIVACY_HIGH_ANONYMITY); /* the file's word holds */
    assert_int_equal(both.n_trust, 1);
    settings_proxy_fini(&s);
    assert_int_equal(settings_proxy_parse(STR("{\"listeners\":{}}"), &r, &s), ERR_INVALID);
    assert_string_equal(r.faults[0].pointer, "/listeners");
    report_fini(&r);
}

static void faults_come_all_at_once(void **state)
{
    (void)state;
    struct settings_proxy s;
    struct report r;
    struct str doc = STR("{\"node\":\"a b\",\"realm\":7,\"contact\":\"x\\u0001\",\"nod\":1,"
                         "\"timeouts_ms\":{\"idle\":1,\"idel\":1,\"head\":\"x\"},\"limits\":[],"
                         "\"when_log_full\":\"perhaps\",\"retention_days\":-1}");
    const char *want[] = {"/node",
                          "/realm",
                          "/contact",
                          "/nod",
                          "/timeouts_ms/idle",
                          "/timeouts_ms/idel",
                          "/timeouts_ms/head",
                          "/limits",
                          "/when_log_full",
                          "/retention_days"};
    assert_int_equal(settings_proxy_parse(doc, &r, &s), ERR_INVALID);
    assert_int_equal(r.n_faults, 10);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        bool is_there = false;
        for (size_t k = 0; k < r.n_faults; k++)
            is_there = is_there || strcmp(r.faults[k].pointer, want[i]) == 0;
        if (!is_there)
            fail_msg("no fault at %s", want[i]);
    }
    report_fini(&r);
    assert_int_equal(settings_proxy_parse(STR("[1"), &r, &s), ERR_INVALID);
    report_fini(&r);
    assert_int_equal(settings_proxy_parse(STR("[]"), &r, &s), ERR_INVALID);
    report_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_default_document),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(what_listeners_tell),
        cmocka_unit_test(faults_come_all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
