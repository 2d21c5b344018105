/* guard: own, public, private, allowed, in every spelling an address can have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxyd/io/guard.h"

static struct ip_port at(const char *text)
{
    struct ip_port out;
    if (ip_port_parse(str_of(text), &out) != OK)
        fail_msg("bad address in the test: %s", text);
    return out;
}

static void words(void **state)
{
    (void)state;
    const struct ip_port own[] = {at("0.0.0.0:3128"), at("192.0.2.9:8443"), at("[::1]:9000")};
    struct ip local[] = {at("192.168.7.7:1").ip, at("[2001:4860::7]:1").ip};
    struct guard_net allowed[3];
    assert_int_equal(cidr_parse(STR("10.0.0.0/8"), &allowed[0].net), OK);
    allowed[0].port = 0;
    assert_int_equal(cidr_parse(STR("127.0.0.1"), &allowed[1].net), OK);
    allowed[1].port = 8080;
    assert_int_equal(cidr_parse(STR("192.168.0.0/16"), &allowed[2].net), OK);
    allowed[2].port = 0;
    const struct guard g = {own, 3, local, 2, allowed, 3};
    static const struct {
        const char *address;
        enum guard_word want;
    } rows[] = {
        {"93.184.216.34:80", GUARD_MAY},
        {"[2606:2800::1]:443", GUARD_MAY},
        {"127.0.0.1:3128", GUARD_OWN},
        {"127.9.9.9:3128", GUARD_OWN},
        {"[::ffff:127.0.0.1]:3128", GUARD_OWN},
        {"[::1]:3128", GUARD_OWN},
        {"0.0.0.0:3128", GUARD_OWN},
        {"192.168.7.7:3128", GUARD_OWN},
        {"[2001:4860::7]:3128", GUARD_OWN},
        {"[2001:4860::8]:3128", GUARD_MAY},
        {"192.168.7.7:80", GUARD_MAY},
        {"192.0.2.9:8443", GUARD_OWN},
        {"0.0.0.0:9000", GUARD_OWN},
        {"[::]:9000", GUARD_OWN},
        {"127.0.0.1:8080", GUARD_MAY},
        {"127.0.0.1:8081", GUARD_NOT_PUBLIC},
        {"127.0.0.2:8080", GUARD_NOT_PUBLIC},
        {"10.200.1.1:22", GUARD_MAY},
        {"172.16.0.1:80", GUARD_NOT_PUBLIC},
        {"169.254.169.254:80", GUARD_NOT_PUBLIC},
        {"[fd00:ec2::254]:80", GUARD_NOT_PUBLIC},
        {"[fe80::1]:80", GUARD_NOT_PUBLIC},
        {"100.64.0.1:80", GUARD_NOT_PUBLIC},
        {"224.0.0.1:80", GUARD_NOT_PUBLIC},
        {"255.255.255.255:80", GUARD_NOT_PUBLIC},
        {"[64:ff9b::a9fe:a9fe]:80", GUARD_NOT_PUBLIC},
        {"[2002:7f00:1::]:80", GUARD_NOT_PUBLIC},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ip_port a = at(rows[i].address);
        if (guard_judge(&g, &a) != rows[i].want)
            fail_msg("%s: %d", rows[i].address, (int)guard_judge(&g, &a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
