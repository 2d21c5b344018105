/* settings_directory: defaults, values, each fault with its pointer, all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "db/settings_directory.h"

static void defaults_are_the_default_document(void **state)
{
    (void)state;
    struct settings_directory a, b;
    struct report r;
    assert_int_equal(settings_directory_parse(STR("{}"), &r, &a), OK);
    assert_int_equal(r.n_warnings, 0);
    report_fini(&r);
    assert_int_equal(settings_directory_parse(settings_directory_default_document(), &r, &b), OK);
    report_fini(&r);
    assert_false(a.is_enabled);
    assert_true(a.has_starttls && a.is_verified && !a.may_be_cleartext && a.is_nested);
    assert_true(str_eq(a.login_attribute, STR("uid")));
    assert_true(str_eq(a.user_filter, b.user_filter));
    assert_int_equal(a.good_s, 300);
    assert_int_equal(a.bad_s, b.bad_s);
    assert_non_null(a.ca_file.p); /* never without an address */
    settings_directory_fini(&a);
    settings_directory_fini(&b);
}

static void values_are_read(void **state)
{
    (void)state;
    struct settings_directory s;
    struct report r;
    struct str doc =
        STR("{\"enabled\":true,\"servers\":[\"ldaps://dc1.example.com/\",\"ldap://"
            "[2001:db8::1]:1389\"],"
            "\"bind_dn\":\"cn=p,dc=x\",\"bind_password\":\"geheim\",\"base\":\"dc=x\","
            "\"groups\":{\"from\":\"in-chain\",\"nested\":false,\"base\":\"ou=g,dc=x\"},"
            "\"cache_s\":{\"stale\":0},\"verify\":false}");
    assert_int_equal(settings_directory_parse(doc, &r, &s), OK);
    assert_int_equal(r.n_warnings, 1);
    assert_string_equal(r.warnings[0].pointer, "/verify");
    assert_int_equal(s.n_servers, 2);
    assert_string_equal(s.servers[0].p, "ldaps://dc1.example.com");
    assert_string_equal(s.servers[1].p, "ldap://[2001:db8::1]:1389");
    assert_string_equal(s.bind_password.p, "geheim");
    assert_int_equal(s.groups, DIRECTORY_GROUPS_IN_CHAIN);
    assert_false(s.is_nested);
    assert_int_equal(s.stale_s, 0);
    report_fini(&r);
    settings_directory_fini(&s);
}

struct fault_case {
    const char *why, *document, *pointer, *code;
};

static const struct fault_case fault_cases[] = {
    {"not JSON", "{", "", "bad-json"},
    {"a key twice", "{\"enabled\":true,\"enabled\":false}", "", "bad-json"},
    {"not an object", "[]", "", "bad-type"},
    {"unknown key", "{\"enable\":true}", "/enable", "unknown-key"},
    {"unknown key below", "{\"groups\":{\"form\":1}}", "/groups/form", "unknown-key"},
    {"a group that is a text", "{\"cache_s\":\"5\"}", "/cache_s", "bad-type"},
    {"switch as text", "{\"enabled\":\"yes\"}", "/enabled", "bad-type"},
    {"number as text", "{\"cache_s\":{\"good\":\"5\"}}", "/cache_s/good", "bad-type"},
    {"number below", "{\"cache_s\":{\"bad\":0}}", "/cache_s/bad", "out-of-range"},
    {"number above", "{\"timeouts_ms\":{\"connect\":60001}}", "/timeouts_ms/connect",
     "out-of-range"},
    {"enabled without a server", "{\"enabled\":true,\"base\":\"dc=x\"}", "/servers", "missing"},
    {"enabled without a base", "{\"enabled\":true,\"servers\":[\"ldaps://a.example\"]}", "/base",
     "missing"},
    {"servers as text", "{\"servers\":\"ldaps://a\"}", "/servers", "bad-type"},
    {"a server as number", "{\"servers\":[1]}", "/servers/0", "bad-type"},
    {"no scheme", "{\"servers\":[\"a.example\"]}", "/servers/0", "bad-server"},
    {"other scheme", "{\"servers\":[\"ldapi://a.example\"]}", "/servers/0", "bad-server"},
    {"no host", "{\"servers\":[\"ldaps://\"]}", "/servers/0", "bad-server"},
    {"no host but a port", "{\"servers\":[\"ldaps://:636\"]}", "/servers/0", "bad-server"},
    {"a path", "{\"servers\":[\"ldaps://a.example/dc=x\"]}", "/servers/0", "bad-server"},
    {"two in one", "{\"servers\":[\"ldaps://a.example ldaps://b\"]}", "/servers/0", "bad-server"},
    {"port 0", "{\"servers\":[\"ldaps://a.example:0\"]}", "/servers/0", "bad-server"},
    {"port too high", "{\"servers\":[\"ldaps://a.example:65536\"]}", "/servers/0", "bad-server"},
    {"nine servers",
     "{\"servers\":[\"ldaps://a\",\"ldaps://a\",\"ldaps://a\",\"ldaps://a\",\"ldaps://a\","
     "\"ldaps://a\",\"ldaps://a\",\"ldaps://a\",\"ldaps://a\"]}",
     "/servers", "too-many"},
    {"cleartext not unlocked",
     "{\"servers\":[\"ldaps://a.example\",\"ldap://a.example\"],\"starttls\":false}", "/servers/1",
     "cleartext"},
    {"name without password", "{\"bind_dn\":\"cn=x\"}", "/bind_password", "missing"},
    {"null password is an empty one", "{\"bind_dn\":\"cn=x\",\"bind_password\":null}",
     "/bind_password", "missing"},
    {"password without name", "{\"bind_password\":\"x\"}", "/bind_dn", "missing"},
    {"control byte", "{\"base\":\"dc=\\u0007\"}", "/base", "bad-text"},
    {"base that is no DN", "{\"base\":\"example.com\"}", "/base", "bad-dn"},
    {"group base that is no DN", "{\"groups\":{\"base\":\"x\"}}", "/groups/base", "bad-dn"},
    {"filter without parentheses", "{\"user_filter\":\"objectClass=person\"}", "/user_filter",
     "bad-filter"},
    {"filter unbalanced", "{\"user_filter\":\"((a=b)\"}", "/user_filter", "bad-filter"},
    {"two filters", "{\"user_filter\":\"(a=b)(c=d)\"}", "/user_filter", "bad-filter"},
    {"filter with half an escape", "{\"groups\":{\"filter\":\"(a=\\\\4)\"}}", "/groups/filter",
     "bad-filter"},
    {"attribute with a space", "{\"login_attribute\":\"u id\"}", "/login_attribute",
     "bad-attribute"},
    {"attribute that injects", "{\"groups\":{\"member_attribute\":\"a=*)(b\"}}",
     "/groups/member_attribute", "bad-attribute"},
    {"attribute empty", "{\"login_attribute\":\"\"}", "/login_attribute", "bad-attribute"},
    {"unknown mode", "{\"mode\":\"both\"}", "/mode", "bad-value"},
    {"unknown group source", "{\"groups\":{\"from\":\"all\"}}", "/groups/from", "bad-value"},
    {"direct without its name",
     "{\"enabled\":true,\"servers\":[\"ldaps://a.example\"],\"base\":\"dc=x\",\"mode\":\"direct\"}",
     "/direct_dn", "missing"},
    {"direct name without the user", "{\"direct_dn\":\"uid=%s,dc=x\"}", "/direct_dn", "bad-value"},
    {"relative file", "{\"ca_file\":\"ca.pem\"}", "/ca_file", "bad-path"},
};

static void each_fault_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++) {
        const struct fault_case *c = &fault_cases[i];
        struct settings_directory s;
        struct report r;
        enum err e = settings_directory_parse(str_of(c->document), &r, &s);
        if (e != ERR_INVALID || r.n_faults != 1 || strcmp(r.faults[0].pointer, c->pointer) != 0 ||
            strcmp(r.faults[0].code, c->code) != 0)
            fail_msg("%s: %s, %zu faults, first %s %s", c->why, err_name(e), r.n_faults,
                     r.n_faults ? r.faults[0].pointer : "-", r.n_faults ? r.faults[0].code : "-");
        report_fini(&r);
    }
}

static void faults_come_all_at_once(void **state)
{
    (void)state;
    struct settings_directory s;
    struct report r;
    assert_int_equal(settings_directory_parse(STR("{\"enabled\":1,\"servers\":[\"x\"],\"mode\":2,"
                                                  "\"cache_s\":{\"good\":0},\"nope\":null}"),
                                              &r, &s),
                     ERR_INVALID);
    assert_int_equal(r.n_faults, 5);
    report_fini(&r);
}

static void truncated_documents_are_refused(void **state)
{
    (void)state;
    struct str whole = settings_directory_default_document();
    for (size_t n = 0; n < whole.n; n++) {
        struct settings_directory s;
        struct report r;
        assert_int_equal(settings_directory_parse(str_sub(whole, 0, n), &r, &s), ERR_INVALID);
        report_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_default_document),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(each_fault_has_its_place),
        cmocka_unit_test(faults_come_all_at_once),
        cmocka_unit_test(truncated_documents_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
