/* bootstrap: the contract's file as it stands, and every fault with its line, all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "db/bootstrap.h"

static const char contract[] =
    "[state]\n"
    "dir = /var/lib/proxyd\n"
    "[proxy]\n"
    "listen = 127.0.0.1:3128        ; repeatable; [::]:3128; options after a space\n"
    "listen = [::1]:3129 mode=reverse tls=cert.pem proxy-protocol=on privacy=named "
    "trust-forwarded=10.0.0.0/8,::1/128 referer=same-host\r\n"
    "workers = 0                    ; 0 = one per core\n"
    "user = proxyd                  ; dropped to when started as root\n"
    "resolvers =                    ; empty = /etc/resolv.conf\n"
    "   resolvers = 192.0.2.1\n"
    "\tresolvers = [2001:db8::1]:5353\n"
    "allow-private = loopback\n"
    "allow-private = 127.0.0.1/32:8080\n"
    "allow-private = [2001:db8::/32]:443\n"
    "[pac]\n"
    "listen = 0.0.0.0:80\n"
    "# comment\n"
    "[admin]\n"
    "listen = 127.0.0.1:8443\n"
    "tls = on\n"
    "name = proxy.corp.example\n";

static void test_contract(void **state)
{
    (void)state;
    struct bootstrap_report r;
    struct bootstrap b;
    assert_int_equal(bootstrap_parse(str_make(contract, sizeof contract - 1), &r, &b), OK);
    assert_int_equal(r.n_faults, 0);
    assert_true(str_eq(b.state_dir, STR("/var/lib/proxyd")));
    assert_int_equal(b.n_listen, 2);
    assert_true(str_eq(b.listen[0].text, STR("127.0.0.1:3128")));
    assert_int_equal(b.listen[1].mode, BOOTSTRAP_REVERSE);
    assert_true(b.listen[1].proxy_protocol && str_eq(b.listen[1].tls_cert, STR("cert.pem")));
    assert_int_equal(b.listen[1].line, 5);
    assert_true(!b.listen[0].privacy.has_mode && b.listen[0].privacy.mode == PRIVACY_VIA);
    assert_int_equal(b.listen[1].privacy.mode, PRIVACY_NAMED);
    assert_int_equal(b.listen[1].privacy.n_trust, 2);
    assert_int_equal(b.listen[1].privacy.referer, PRIVACY_REFERER_SAME_HOST);
    assert_int_equal(b.n_resolvers, 2);
    assert_int_equal(b.resolvers[0].at.port, 53);
    assert_int_equal(b.resolvers[1].at.port, 5353);
    assert_int_equal(b.n_allow_private, 4); /* loopback is two networks */
    assert_int_equal(b.allow_private[2].port, 8080);
    assert_int_equal(b.allow_private[3].port, 443);
    assert_int_equal(b.n_pac_listen, 1);
    assert_true(b.admin_tls);
    assert_int_equal(b.n_admin_names, 1);
    bootstrap_report_fini(&r);
    bootstrap_fini(&b);
}

static void test_defaults(void **state)
{
    (void)state;
    struct bootstrap_report r;
    struct bootstrap b;
    assert_int_equal(bootstrap_parse((struct str){0}, &r, &b), OK);
    assert_int_equal(b.n_listen, 1);
    assert_int_equal(b.listen[0].at.port, 3128);
    assert_int_equal(b.admin_listen.at.port, 8443);
    assert_true(b.admin_tls && b.n_resolvers == 0 && b.n_allow_private == 0 && b.n_pac_listen == 0);
    bootstrap_report_fini(&r);
    bootstrap_fini(&b);
}

static const struct {
    const char *text;
    int line;
    const char *part; /* of the message */
} bad[] = {
    {"[proxy]\nlisten = nonsense\n", 2, "nonsense"},
    {"[proxy]\nlisten = 127.0.0.1:0\n", 2, "127.0.0.1:0"},
    {"[proxy]\nlisten = 127.0.0.1:3128 mode=odd\n", 2, "odd"},
    {"[proxy]\nlisten = 127.0.0.1:3128 odd=1\n", 2, "odd=1"},
    {"[proxy]\nlisten = 127.0.0.1:3128\nlisten = 127.0.0.1:3128\n", 3, "line 2"},
    {"[proxy]\nworkers = many\n", 2, "many"},
    {"[proxy]\nwatchdog = soon\n", 2, "soon"},
    {"[proxy]\nworkers = 1\nworkers = 2\n", 3, "line 2"},
    {"[proxy]\nresolvers = a.example\n", 2, "a.example"},
    {"[proxy]\nallow-private = everything\n", 2, "everything"},
    {"[proxy]\nallow-private = 10.0.0.1/8\n", 2, "10.0.0.1/8"},
    {"[proxy]\nallow-private = 127.0.0.1/32:\n", 2, "127.0.0.1/32:"},
    {"[proxy]\nport = 3128\n", 2, "unknown key \"port\""},
    {"[prxy]\nlisten = 127.0.0.1:1\n", 1, "unknown section"},
    {"listen = 127.0.0.1:1\n", 1, "before the first"},
    {"[proxy]\njust words\n", 2, "neither"},
    {"[proxy\nlisten = 127.0.0.1:1\n", 1, "no ]"},
    {"[admin]\nlisten = 0.0.0.0:8443\ntls = off\n", 2, "loopback"},
    {"[admin]\ntls = perhaps\n", 2, "perhaps"},
    {"[admin]\ncertificate = a.pem\n", 0, "together"},
    {"[admin]\nlisten = 127.0.0.1:3128\n", 2, "both"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bootstrap_report r;
        struct bootstrap b;
        assert_int_equal(bootstrap_parse(str_of(bad[i].text), &r, &b), ERR_INVALID);
        if (r.n_faults < 1 || r.faults[0].line != bad[i].line ||
            !strstr(r.faults[0].message, bad[i].part))
            fail_msg("%s: %zu faults, line %d: %s", bad[i].text, r.n_faults,
                     r.n_faults ? r.faults[0].line : -1, r.n_faults ? r.faults[0].message : "");
        bootstrap_report_fini(&r);
    }
}

/* All of them in one file, in its order. */
static void test_all_at_once(void **state)
{
    (void)state;
    static const char text[] =
        "[proxy]\nlisten = x\nworkers = x\nodd = 1\nresolvers = x\n[odd]\nwords\n"
        "[admin]\ntls = x\nlisten = x\n";
    static const int lines[] = {2, 3, 4, 5, 6, 7, 9, 10};
    struct bootstrap_report r;
    struct bootstrap b;
    assert_int_equal(bootstrap_parse(str_of(text), &r, &b), ERR_INVALID);
    assert_int_equal(r.n_faults, sizeof lines / sizeof *lines);
    for (size_t i = 0; i < r.n_faults; i++)
        assert_int_equal(r.faults[i].line, lines[i]);
    bootstrap_report_fini(&r);
}

static void test_odd_bytes(void **state)
{
    (void)state;
    struct bootstrap_report r;
    struct bootstrap b;
    char longer[5000];
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "[state]\ndir = ", 14);
    assert_int_equal(bootstrap_parse(str_make(longer, sizeof longer), &r, &b), ERR_INVALID);
    assert_int_equal(r.faults[0].line, 2);
    bootstrap_report_fini(&r);
    assert_int_equal(bootstrap_parse(str_make("[state]\ndir = a\0b\n", 18), &r, &b), ERR_INVALID);
    assert_int_equal(r.faults[0].line, 2);
    bootstrap_report_fini(&r);
    assert_int_equal(bootstrap_parse(STR("\xef\xbb\xbf[state]\r\ndir = with space \r\n"), &r, &b),
                     OK);
    assert_true(str_eq(b.state_dir, STR("with space")));
    bootstrap_report_fini(&r);
    bootstrap_fini(&b);
    assert_int_equal(bootstrap_load("/nonexistent/file", &r, &b), ERR_INVALID);
    assert_int_equal(r.n_faults, 1);
    assert_non_null(strstr(r.faults[0].message, "/nonexistent/file"));
    bootstrap_report_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),  cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_faults),    cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_odd_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
