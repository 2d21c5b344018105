/* cidr: text, classes and containment of addresses. */
#include "base/cidr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

struct text_case {
    const char *why, *input, *want; /* want NULL: refused */
};

static void check_text(const struct text_case *c, struct buf *b, enum err e)
{
    if ((e == OK) != (c->want != NULL))
        fail_msg("%s: %s gives %s", c->why, c->input, err_name(e));
    if (e != OK)
        return;
    if (!str_eq(buf_str(b), str_of(c->want)))
        fail_msg("%s: %s gives %.*s, not %s", c->why, c->input, STR_ARG(buf_str(b)), c->want);
}

static void test_ip_text(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {"quad", "192.0.2.1", "192.0.2.1"},
        {"zeros", "0.0.0.0", "0.0.0.0"},
        {"leading zero is octal to some", "192.0.2.01", NULL},
        {"three parts", "192.0.2", NULL},
        {"five parts", "1.2.3.4.5", NULL},
        {"over 255", "1.2.3.256", NULL},
        {"space", " 1.2.3.4", NULL},
        {"hexadecimal", "0x7f.0.0.1", NULL},
        {"empty", "", NULL},
        {"RFC 5952 4.2.1 zeros shortened", "2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
        {"RFC 5952 4.2.2 one group is not shortened", "2001:db8:0:1:1:1:1:1",
         "2001:db8:0:1:1:1:1:1"},
        {"RFC 5952 4.3 lower case", "2001:DB8::AAAA", "2001:db8::aaaa"},
        {"mapped is IPv4", "::ffff:10.0.0.1", "10.0.0.1"},
        {"mapped in hexadecimal is IPv4", "::FFFF:0a00:0001", "10.0.0.1"},
        {"loopback", "::1", "::1"},
        {"unspecified", "::", "::"},
        {"zone", "fe80::1%eth0", NULL},
        {"brackets", "[::1]", NULL},
        {"two gaps", "1::2::3", NULL},
        {"nine groups", "1:2:3:4:5:6:7:8:9", NULL},
        {"five digits", "12345::", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 100);
        struct ip ip;
        enum err e = ip_parse(str_of(cases[i].input), &ip);
        if (e == OK)
            ip_format(&ip, &b);
        check_text(&cases[i], &b, e);
        buf_fini(&b);
    }
    struct ip ip;
    assert_int_equal(ip_parse(str_make("1.2.3.4\0", 8), &ip), ERR_INVALID);
}

static void test_cidr_text(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {"network", "10.0.0.0/8", "10.0.0.0/8"},
        {"address alone", "10.1.2.3", "10.1.2.3/32"},
        {"all", "0.0.0.0/0", "0.0.0.0/0"},
        {"host bits", "10.0.0.1/8", NULL},
        {"host bits inside a byte", "10.0.16.0/19", NULL},
        {"boundary inside a byte", "10.0.32.0/19", "10.0.32.0/19"},
        {"too long", "10.0.0.0/33", NULL},
        {"no length", "10.0.0.0/", NULL},
        {"sign", "10.0.0.0/+8", NULL},
        {"leading zero", "10.0.0.0/08", NULL},
        {"netmask", "10.0.0.0/255.0.0.0", NULL},
        {"IPv6", "2001:db8::/32", "2001:db8::/32"},
        {"IPv6 all", "::/0", "::/0"},
        {"IPv6 address", "::1", "::1/128"},
        {"mapped", "::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"IPv6 host bits", "2001:db8::1/64", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 100);
        struct cidr c;
        enum err e = cidr_parse(str_of(cases[i].input), &c);
        if (e == OK)
            cidr_format(&c, &b);
        check_text(&cases[i], &b, e);
        buf_fini(&b);
    }
}

static void test_ip_port_text(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {"IPv4", "127.0.0.1:3128", "127.0.0.1:3128"},
        {"IPv6", "[::1]:80", "[::1]:80"},
        {"mapped", "[::ffff:1.2.3.4]:80", "1.2.3.4:80"},
        {"no port", "127.0.0.1", NULL},
        {"port 0", "127.0.0.1:0", NULL},
        {"port 65536", "127.0.0.1:65536", NULL},
        {"port wraps at 32 bits", "127.0.0.1:4294967376", NULL},
        {"leading zero", "127.0.0.1:080", NULL},
        {"no brackets", "::1:80", NULL},
        {"brackets around IPv4", "[1.2.3.4]:80", NULL},
        {"empty port", "1.2.3.4:", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 100);
        struct ip_port a;
        enum err e = ip_port_parse(str_of(cases[i].input), &a);
        if (e == OK)
            ip_port_format(&a, &b);
        check_text(&cases[i], &b, e);
        buf_fini(&b);
    }
}

static void test_classes(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        enum ip_class want;
    } cases[] = {
        {"8.8.8.8", IP_PUBLIC},
        {"1.1.1.1", IP_PUBLIC},
        {"172.15.255.255", IP_PUBLIC},
        {"172.32.0.0", IP_PUBLIC},
        {"100.63.255.255", IP_PUBLIC},
        {"100.128.0.0", IP_PUBLIC},
        {"2606:4700::1111", IP_PUBLIC},
        {"0.0.0.0", IP_UNSPECIFIED},
        {"0.255.255.255", IP_UNSPECIFIED},
        {"::", IP_UNSPECIFIED},
        {"127.0.0.1", IP_LOOPBACK},
        {"127.255.255.254", IP_LOOPBACK},
        {"::1", IP_LOOPBACK},
        {"::ffff:127.0.0.1", IP_LOOPBACK},
        {"169.254.169.254", IP_LINK_LOCAL},
        {"fe80::1", IP_LINK_LOCAL},
        {"febf::1", IP_LINK_LOCAL},
        {"fd00:ec2::254", IP_METADATA},
        {"100.100.100.200", IP_METADATA},
        {"168.63.129.16", IP_METADATA},
        {"192.0.0.192", IP_METADATA},
        {"10.0.0.1", IP_PRIVATE},
        {"172.16.0.1", IP_PRIVATE},
        {"172.31.255.255", IP_PRIVATE},
        {"192.168.1.1", IP_PRIVATE},
        {"100.64.0.1", IP_PRIVATE},
        {"fd12:3456::1", IP_PRIVATE},
        {"fec0::1", IP_PRIVATE},
        {"224.0.0.1", IP_MULTICAST},
        {"ff02::1", IP_MULTICAST},
        {"240.0.0.1", IP_RESERVED},
        {"255.255.255.255", IP_RESERVED},
        {"192.0.2.1", IP_RESERVED},
        {"198.18.0.1", IP_RESERVED},
        {"198.19.255.255", IP_RESERVED},
        {"203.0.113.7", IP_RESERVED},
        {"2001:db8::1", IP_RESERVED},
        {"::127.0.0.1", IP_RESERVED},
        {"64:ff9b::7f00:1", IP_RESERVED},
        {"64:ff9b::808:808", IP_PUBLIC},
        {"64:ff9b:1::1", IP_RESERVED},
        {"2002:7f00:1::", IP_RESERVED},
        {"2002:0a00:0001::1", IP_RESERVED},
        {"2002:808:808::1", IP_PUBLIC},
        {"2001::1", IP_RESERVED},
        {"5f00::1", IP_RESERVED},
        {"4000::1", IP_RESERVED},
        {"3fff::1", IP_RESERVED},
        {"64:ff9b::a9fe:a9fe", IP_RESERVED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ip ip;
        assert_int_equal(ip_parse(str_of(cases[i].input), &ip), OK);
        if (ip_classify(&ip) != cases[i].want)
            fail_msg("%s is %d, not %d", cases[i].input, (int)ip_classify(&ip), (int)cases[i].want);
    }
}

static void test_inner(void **state)
{
    (void)state;
    static const struct {
        const char *outer, *inner; /* inner NULL: none */
    } cases[] = {
        {"64:ff9b::c000:201", "192.0.2.1"},
        {"2002:c000:201::1", "192.0.2.1"},
        {"64:ff9b:1::c000:201", NULL},
        {"192.0.2.1", NULL},
        {"::192.0.2.1", NULL},
        {"2001:db8::1", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ip outer, inner, want;
        assert_int_equal(ip_parse(str_of(cases[i].outer), &outer), OK);
        assert_int_equal(ip_inner_v4(&outer, &inner), cases[i].inner != NULL);
        if (!cases[i].inner)
            continue;
        assert_int_equal(ip_parse(str_of(cases[i].inner), &want), OK);
        assert_true(ip_eq(&inner, &want));
    }
}

static void test_has(void **state)
{
    (void)state;
    static const struct {
        const char *net, *ip;
        bool want;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.32.0/19", "10.0.63.255", true},
        {"10.0.32.0/19", "10.0.64.0", false},
        {"0.0.0.0/0", "1.2.3.4", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "1.2.3.4", true},
        {"::1", "::1", true},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cidr c;
        struct ip ip;
        assert_int_equal(cidr_parse(str_of(cases[i].net), &c), OK);
        assert_int_equal(ip_parse(str_of(cases[i].ip), &ip), OK);
        if (cidr_has(&c, &ip) != cases[i].want)
            fail_msg("%s has %s", cases[i].net, cases[i].ip);
    }
}

static void test_sockaddr(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:80", "[2001:db8::7]:65535"};
    for (size_t i = 0; i < 2; i++) {
        struct ip_port a, back;
        struct sockaddr_storage ss;
        assert_int_equal(ip_port_parse(str_of(texts[i]), &a), OK);
        unsigned n = ip_port_to_sockaddr(&a, &ss);
        assert_int_equal(n, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        assert_int_equal(ss.ss_family, i == 0 ? AF_INET : AF_INET6);
        assert_int_equal(ip_port_from_sockaddr((const struct sockaddr *)&ss, &back), OK);
        assert_true(ip_eq(&a.ip, &back.ip));
        assert_int_equal(a.port, back.port);
    }
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct ip_port a;
    assert_int_equal(ip_port_from_sockaddr(&other, &a), ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ip_text),      cmocka_unit_test(test_cidr_text),
        cmocka_unit_test(test_ip_port_text), cmocka_unit_test(test_classes),
        cmocka_unit_test(test_inner),        cmocka_unit_test(test_has),
        cmocka_unit_test(test_sockaddr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
