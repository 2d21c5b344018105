/* host: every spelling of a name or address ends in one form, or is refused. */
#include "base/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct host_case {
    const char *why, *input, *want; /* want NULL: refused */
    bool is_ip;
};

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct host_case cases[] = {
    {"plain", "example.com", "example.com", false},
    {"one label", "localhost", "localhost", false},
    {"case (RFC 4343)", "ExAmPlE.CoM", "example.com", false},
    {"trailing dot", "example.com.", "example.com", false},
    {"case and dot", "EXAMPLE.com.", "example.com", false},
    {"two trailing dots", "example.com..", NULL, false},
    {"leading dot", ".example.com", NULL, false},
    {"empty label", "a..b", NULL, false},
    {"dot alone", ".", NULL, false},
    {"empty", "", NULL, false},
    {"underscore is seen in practice", "_dmarc.example.com", "_dmarc.example.com", false},
    {"hyphens in the third and fourth place", "r3---sn-abc.googlevideo.com",
     "r3---sn-abc.googlevideo.com", false},
    {"hyphen at the end of a label", "a-.tumblr.com", "a-.tumblr.com", false},
    {"A-label", "xn--mnchen-3ya.de", "xn--mnchen-3ya.de", false},
    {"A-label in upper case", "XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de", false},
    {"percent-encoded letter (RFC 3986 2.3)", "%65xample.com", "example.com", false},
    {"percent-encoded capital", "%45xample.com", "example.com", false},
    {"percent-encoded dot", "example%2ecom", "example.com", false},
    {"percent-encoded trailing dot", "example.com%2E", "example.com", false},
    {"percent-encoded slash", "example.com%2f", NULL, false},
    {"percent-encoded at sign", "a%40example.com", NULL, false},
    {"percent-encoded NUL", "example.com%00", NULL, false},
    {"percent-encoded colon", "example.com%3a80", NULL, false},
    {"percent-encoded per cent sign", "%2565xample.com", NULL, false},
    {"cut triplet", "example.com%2", NULL, false},
    {"no hexadecimal", "example.com%zz", NULL, false},
    {"space", "exam ple.com", NULL, false},
    {"tab", "example.com\t", NULL, false},
    {"userinfo", "user@example.com", NULL, false},
    {"backslash", "example.com\\", NULL, false},
    {"comma list", "example.com,evil.com", NULL, false},
    {"slash", "example.com/", NULL, false},
    {"tilde", "~example.com", NULL, false},
    {"star", "*.example.com", NULL, false},
    {"label of 63", LABEL63 ".com", LABEL63 ".com", false},
    {"label of 64", LABEL63 "a.com", NULL, false},
    {"IDN", "m\xc3\xbcnchen.de", "xn--mnchen-3ya.de", false},
    {"IDN in capitals", "M\xc3\x9cNCHEN.DE", "xn--mnchen-3ya.de", false},
    {"IDN decomposed (NFC)", "mu\xcc\x88nchen.de", "xn--mnchen-3ya.de", false},
    {"IDN percent-encoded", "m%C3%BCnchen.de", "xn--mnchen-3ya.de", false},
    {"IDN with trailing dot", "m\xc3\xbcnchen.de.", "xn--mnchen-3ya.de", false},
    {"sharp s is a letter of its own (IDNA 2008)",
     "stra\xc3\x9f"
     "e.de",
     "xn--strae-oqa.de", false},
    {"full-width letters (UTS 46)", "\xef\xbd\x85xample.com", "example.com", false},
    {"full-width dot",
     "example\xef\xbc\x8e"
     "com",
     "example.com", false},
    {"ideographic dot",
     "example\xe3\x80\x82"
     "com",
     "example.com", false},
    {"half-width ideographic dot",
     "example\xef\xbd\xa1"
     "com",
     "example.com", false},
    {"ideographic dot at the end", "example.com\xe3\x80\x82", "example.com", false},
    {"soft hyphen is nothing",
     "exam\xc2\xad"
     "ple.com",
     "example.com", false},
    {"Kelvin sign is a k",
     "example.\xe2\x84\xaa"
     "om",
     "example.kom", false},
    {"long s is an s", "te\xc5\xbft.example", "test.example", false},
    {"ligature is two letters",
     "o\xef\xac\x83"
     "ce.example",
     "office.example", false},
    {"variation selector is nothing", "exam\xef\xb8\x8fple.com", "example.com", false},
    {"word joiner is nothing", "exam\xe2\x81\xa0ple.com", "example.com", false},
    {"zero width non-joiner where it may not stand", "exam\xe2\x80\x8cple.com", NULL, false},
    {"c/o sign brings a slash", "example\xe2\x84\x85.com", NULL, false},
    {"full-width at sign",
     "good.com\xef\xbc\xa0"
     "example.com",
     NULL, false},
    {"full-width colon",
     "example.com\xef\xbc\x9a"
     "80",
     NULL, false},
    {"two-dot leader brings an empty label",
     "a\xe2\x80\xa5"
     "com",
     NULL, false},
    {"ideographic dot behind a dot", "example.com.\xe3\x80\x82", NULL, false},
    {"final sigma is a letter of its own", "\xcf\x83\xcf\x82.gr", "xn--3xab.gr", false},
    {"surrogate in UTF-8", "a\xed\xa0\x80.com", NULL, false},
    {"A-label with a full-width dash", "xn\xef\xbc\x8d\xef\xbc\x8dmnchen-3ya.de",
     "xn--mnchen-3ya.de", false},
    {"zero width space is nothing", "exam\xe2\x80\x8bple.com", "example.com", false},
    {"full-width per cent sign",
     "\xef\xbc\x85"
     "65xample.com",
     NULL, false},
    {"full-width slash", "example.com\xef\xbc\x8f", NULL, false},
    {"invalid UTF-8", "exam\xffple.com", NULL, false},
    {"overlong UTF-8",
     "example\xc0\xae"
     "com",
     NULL, false},
    {"bidirectional mark", "example\xe2\x80\xae.com", NULL, false},
    {"quad", "192.0.2.1", "192.0.2.1", true},
    {"quad with trailing dot", "192.0.2.1.", "192.0.2.1", true},
    {"one number", "3221225985", "192.0.2.1", true},
    {"loopback as a number", "2130706433", "127.0.0.1", true},
    {"two parts", "127.1", "127.0.0.1", true},
    {"three parts", "127.0.1", "127.0.0.1", true},
    {"two parts, wide last", "10.65535", "10.0.255.255", true},
    {"octal", "0177.0.0.1", "127.0.0.1", true},
    {"octal with many zeros", "00000177.0.0.1", "127.0.0.1", true},
    {"hexadecimal", "0x7f.0.0.1", "127.0.0.1", true},
    {"hexadecimal in capitals", "0X7F.0.0.1", "127.0.0.1", true},
    {"one hexadecimal number", "0x7f000001", "127.0.0.1", true},
    {"mixed", "0x7f.1", "127.0.0.1", true},
    {"zero", "0", "0.0.0.0", true},
    {"full-width digits", "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", "127.0.0.1", true},
    {"circled digit", "127.0.0.\xe2\x91\xa0", "127.0.0.1", true},
    {"percent-encoded digits", "%31%32%37.0.0.1", "127.0.0.1", true},
    {"no octal digit", "08.0.0.1", NULL, false},
    {"too many parts", "1.2.3.4.5", NULL, false},
    {"part over 255", "256.0.0.1", NULL, false},
    {"last part too wide", "1.2.3.256", NULL, false},
    {"over 32 bits", "4294967296", NULL, false},
    {"0x alone", "0x", NULL, false},
    {"name that ends in a number", "example.1", NULL, false},
    {"name that ends in a hexadecimal number", "example.0xff", NULL, false},
    {"number is not last", "1.example.com", "1.example.com", false},
    {"starts with a digit", "163.com", "163.com", false},
    {"last label has letters", "127.0.0.1x", "127.0.0.1x", false},
    {"IPv6", "[2001:DB8::1]", "2001:db8::1", true},
    {"IPv6 without brackets, from a list", "2001:db8::1", "2001:db8::1", true},
    {"IPv6 long form", "[2001:0db8:0000:0000:0000:0000:0000:0001]", "2001:db8::1", true},
    {"mapped IPv6", "[::ffff:127.0.0.1]", "127.0.0.1", true},
    {"mapped IPv6 in hexadecimal", "[::ffff:7f00:1]", "127.0.0.1", true},
    {"mapped IPv6, all groups", "[0000:0000:0000:0000:0000:FFFF:127.0.0.1]", "127.0.0.1", true},
    {"NAT64 (RFC 6052)", "[64:ff9b::192.0.2.1]", "192.0.2.1", true},
    {"NAT64 in hexadecimal", "[0064:FF9B::c000:201]", "192.0.2.1", true},
    {"NAT64 of one's own prefix is another address", "[64:ff9b:1::c000:201]", "64:ff9b:1::c000:201",
     true},
    {"6to4 is a network behind an address", "[2002:c000:201::1]", "2002:c000:201::1", true},
    {"IPv4-compatible IPv6 leads nowhere", "[::127.0.0.1]", "::127.0.0.1", true},
    {"mapped IPv6 with octal in it", "[::ffff:0177.0.0.1]", NULL, false},
    {"mapped IPv6 in short form", "[::ffff:127.1]", NULL, false},
    {"two brackets", "[[::1]]", NULL, false},
    {"prefix length", "[::1/128]", NULL, false},
    {"zone", "[fe80::1%25eth0]", NULL, false},
    {"zone without encoding", "[fe80::1%eth0]", NULL, false},
    {"brackets around IPv4", "[127.0.0.1]", NULL, false},
    {"brackets around a name", "[example.com]", NULL, false},
    {"empty brackets", "[]", NULL, false},
    {"open bracket", "[::1", NULL, false},
    {"future address", "[v1.fe80::a]", NULL, false},
    {"host and port is no host", "example.com:80", NULL, false},
};

static void test_normalise(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct host_case *c = &cases[i];
        struct host h;
        enum err e = host_normalise(str_of(c->input), &h);
        if ((e == OK) != (c->want != NULL))
            fail_msg("%s: %s gives %s %s", c->why, c->input, err_name(e), e == OK ? h.text : "");
        if (e != OK)
            continue;
        if (strcmp(h.text, c->want) != 0 || h.n != strlen(c->want))
            fail_msg("%s: %s gives %s, not %s", c->why, c->input, h.text, c->want);
        assert_int_equal(h.is_ip, c->is_ip);
    }
}

/* What comes out goes in unchanged. */
static void test_fixed_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host once, twice;
        if (host_normalise(str_of(cases[i].input), &once) != OK)
            continue;
        assert_int_equal(host_normalise(host_str(&once), &twice), OK);
        assert_string_equal(once.text, twice.text);
        assert_int_equal(once.is_ip, twice.is_ip);
    }
}

static void test_length(void **state)
{
    (void)state;
    char text[300];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 50 == 49 ? '.' : 'a';
    struct host h;
    assert_int_equal(host_normalise(str_make(text, 253), &h), OK);
    assert_int_equal(h.n, 253);
    assert_int_equal(host_normalise(str_make(text, 254), &h), ERR_LIMIT);
    text[253] = '.';
    assert_int_equal(host_normalise(str_make(text, 254), &h), OK);
    static char huge[100000];
    memset(huge, '%', sizeof huge);
    assert_int_equal(host_normalise(str_make(huge, sizeof huge), &h), ERR_LIMIT);
    assert_int_equal(host_normalise(str_make("a\0b", 3), &h), ERR_INVALID);
}

static void test_below(void **state)
{
    (void)state;
    static const struct {
        const char *name, *suffix;
        bool want;
    } rows[] = {
        {"example.com", "example.com", true},
        {"a.example.com", "example.com", true},
        {"a.b.example.com", "example.com", true},
        {"notexample.com", "example.com", false},
        {"example.com", "a.example.com", false},
        {"example.com", "com", true},
        {"example.com", "om", false},
        {"example.com", "", false},
        {"com", "example.com", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (host_is_below(str_of(rows[i].name), str_of(rows[i].suffix)) != rows[i].want)
            fail_msg("%s below %s", rows[i].name, rows[i].suffix);
}

static void test_parent(void **state)
{
    (void)state;
    struct str s = STR("a.b.c");
    s = host_parent(s);
    assert_true(str_eq(s, STR("b.c")));
    s = host_parent(s);
    assert_true(str_eq(s, STR("c")));
    s = host_parent(s);
    assert_int_equal(s.n, 0);
    assert_int_equal(host_parent(s).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalise), cmocka_unit_test(test_fixed_point),
        cmocka_unit_test(test_length),    cmocka_unit_test(test_below),
        cmocka_unit_test(test_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
