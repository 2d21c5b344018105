/* deploy: every snippet is well formed for its format, carries the address, and takes no value that
 * is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pac/deploy.h"
#include "pac/pac_parse.h"

static const char document[] =
    "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"p1.example\",\"port\":3128}],"
    "\"direct\":{\"domains\":[\"corp.example\"],\"exact\":[\"one.example\"]}}]}";

static struct pac_model *model(void)
{
    struct report r;
    struct pac_model *m = NULL;
    assert_int_equal(pac_parse(str_of(document), &r, &m), OK);
    report_fini(&r);
    return m;
}

/* sh -n on shell scripts, a JSON parser on JSON, xmllint-like checks by the end-to-end tests. */
static void check_form(const struct deploy_target *t, struct str text)
{
    if (strcmp(t->type, "application/json") == 0) {
        json_error_t why;
        json_t *j = json_loadb(text.p, text.n, 0, &why);
        if (!j)
            fail_msg("%s: %s", t->name, why.text);
        json_decref(j);
    }
    if (strcmp(t->type, "text/x-shellscript") == 0) {
        FILE *f = popen("sh -n", "w");
        assert_non_null(f);
        assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
        assert_int_equal(pclose(f), 0);
    }
}

static void test_all(void **state)
{
    (void)state;
    struct pac_model *m = model();
    struct pac_input pac = {m, 0, 1, {STR("192.0.2.1"), 3128}};
    struct deploy_input in = {&pac, STR("https://proxy.example/proxy.pac?a=1&b=%20"),
                              STR("Corp.Example"), STR("10.0.0.5")};
    struct buf b;
    size_t n = 0;
    const struct deploy_target *t;
    buf_init(&b, 1 << 20);
    for (; (t = deploy_at(n)) != NULL; n++) {
        buf_clear(&b);
        assert_ptr_equal(deploy_named(str_of(t->name)), t);
        assert_int_equal(deploy_write(t, &in, &b), OK);
        struct str text = buf_str(&b);
        bool has = str_find_str(text, STR("https://proxy.example/proxy.pac?a=1")) != STR_NPOS ||
                   str_find_str(text, STR("http://wpad.corp.example/wpad.dat")) != STR_NPOS ||
                   str_find_str(text, STR("10.0.0.5")) != STR_NPOS ||
                   str_find_str(text, STR("'http://p1.example:3128'")) != STR_NPOS;
        if (!has)
            fail_msg("%s carries no address:\n%.*s", t->name, STR_ARG(text));
        check_form(t, text);
    }
    assert_true(n >= 15);
    assert_null(deploy_named(STR("none")));
    buf_fini(&b);
    pac_model_unref(m);
}

static void write_one(const char *name, struct buf *b)
{
    struct pac_model *m = model();
    struct pac_input pac = {m, 0, 1, {STR("192.0.2.1"), 3128}};
    struct deploy_input in = {&pac, STR("https://proxy.example/p?a=1&b=%20"), STR(""), STR("")};
    buf_clear(b);
    assert_int_equal(deploy_write(deploy_named(str_of(name)), &in, b), OK);
    pac_model_unref(m);
}

static void test_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *target, *want;
    } cases[] = {
        {"apple", "<string>https://proxy.example/p?a=1&amp;b=%20</string>"},
        {"winhttp", "\\\"https://proxy.example/p?a=1&b=%%20\\\""},
        {"chrome-registry", "\\\"ProxyPacUrl\\\":\\\"https://proxy.example/p?a=1&b=%20\\\""},
        {"intune", "\"@odata.type\": \"#microsoft.graph.omaSettingString\""},
        {"environment", "no_proxy='localhost,127.0.0.0/8,::1,.corp.example,one.example'"},
        {"dns-bind", "; zone example.com\nwpad 300 IN A 192.0.2.10\n"},
    };
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_one(cases[i].target, &b);
        if (str_find_str(buf_str(&b), str_of(cases[i].want)) == STR_NPOS)
            fail_msg("%s: not in\n%.*s", cases[i].want, STR_ARG(buf_str(&b)));
    }
    buf_fini(&b);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url, *domain, *address;
    } cases[] = {
        {"", "", ""},
        {"file:///etc/passwd", "", ""},
        {"https://p.example/'; rm -rf /", "", ""},
        {"https://p.example/\"", "", ""},
        {"https://p.example/<x>", "", ""},
        {"https://p.example/\n", "", ""},
        {"https://p.example/`id`", "", ""},
        {"https://p.example/", "a b", ""},
        {"https://p.example/", "corp.example'", ""},
        {"https://p.example/", "10.0.0.1", ""},
        {"https://p.example/", "", "10.0.0.1'"},
        {"https://p.example/", "", "wpad"},
        {"https://p.example/", "", "::1"},
    };
    struct pac_model *m = model();
    struct pac_input pac = {m, 0, 1, {STR("192.0.2.1"), 3128}};
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct deploy_input in = {&pac, str_of(cases[i].url), str_of(cases[i].domain),
                                  str_of(cases[i].address)};
        if (deploy_write(deploy_at(0), &in, &b) != ERR_INVALID)
            fail_msg("case %zu was taken", i);
        assert_int_equal(b.n, 0);
    }
    buf_fini(&b);
    pac_model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_escapes),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
