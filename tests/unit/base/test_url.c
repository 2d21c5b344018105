/* url: splitting, refusing, and the one normal form. */
#include "base/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct url_case {
    const char *why, *input, *want; /* want: the normal form; NULL: refused */
};

static const struct url_case cases[] = {
    {"plain", "http://example.com/", "http://example.com/"},
    {"no path", "http://example.com", "http://example.com/"},
    {"case of scheme and host", "HTTP://EXAMPLE.com/A", "http://example.com/A"},
    {"https", "https://example.com/x?y", "https://example.com/x?y"},
    {"default port", "http://example.com:80/", "http://example.com/"},
    {"empty port (RFC 3986 6.2.3)", "http://example.com:/", "http://example.com/"},
    {"default port of the other scheme", "http://example.com:443/", "http://example.com:443/"},
    {"default port of https", "https://example.com:443/", "https://example.com/"},
    {"port", "http://example.com:8080/", "http://example.com:8080/"},
    {"port 0", "http://example.com:0/", NULL},
    {"port 65535", "http://example.com:65535/", "http://example.com:65535/"},
    {"port 65536", "http://example.com:65536/", NULL},
    {"port wraps at 32 bits", "http://example.com:4294967376/", NULL},
    {"port with leading zero", "http://example.com:080/", NULL},
    {"port with sign", "http://example.com:+80/", NULL},
    {"port with letters", "http://example.com:8o/", NULL},
    {"two ports", "http://example.com:80:81/", NULL},
    {"userinfo", "http://user@example.com/", NULL},
    {"userinfo with password", "http://user:pw@example.com/", NULL},
    {"empty userinfo", "http://@example.com/", NULL},
    {"trick with userinfo", "http://good.com:80@evil.com/", NULL},
    {"backslash before at", "http://good.com\\@evil.com/", NULL},
    {"no host", "http:///path", NULL},
    {"no host, port", "http://:80/", NULL},
    {"one slash", "http:/example.com/", NULL},
    {"other scheme", "ftp://example.com/", NULL},
    {"no scheme", "//example.com/", NULL},
    {"space", "http://example.com/a b", NULL},
    {"tab in host", "http://exam\tple.com/", NULL},
    {"DEL", "http://example.com/a\x7f", NULL},
    {"line feed", "http://example.com/\n", NULL},
    {"fragment dropped", "http://example.com/a#b?c", "http://example.com/a"},
    {"fragment without path", "http://example.com#b", "http://example.com/"},
    {"query without path", "http://example.com?q=1", "http://example.com/?q=1"},
    {"query without path, after slash in query", "http://example.com?q=/a/../b",
     "http://example.com/?q=/a/../b"},
    {"IPv6", "http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"},
    {"IPv6 default port", "http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"},
    {"mapped IPv6", "http://[::ffff:1.2.3.4]/", "http://1.2.3.4/"},
    {"zone", "http://[fe80::1%25eth0]/", NULL},
    {"garbage behind the bracket", "http://[::1]x/", NULL},
    {"IPv6 without brackets", "http://::1/", NULL},
    {"odd IPv4", "http://0x7f.1/", "http://127.0.0.1/"},
    {"IDN", "http://m\xc3\xbcnchen.de/", "http://xn--mnchen-3ya.de/"},
    {"trailing dot", "http://example.com./", "http://example.com/"},
    {"percent-encoded host", "http://%65xample.com/", "http://example.com/"},
    {"dot segment (RFC 3986 5.2.4)", "http://e.com/a/./b", "http://e.com/a/b"},
    {"double dot segment", "http://e.com/a/../b", "http://e.com/b"},
    {"RFC 3986 5.2.4 example", "http://e.com/a/b/c/./../../g", "http://e.com/a/g"},
    {"above the root", "http://e.com/../../a", "http://e.com/a"},
    {"dot at the end", "http://e.com/a/.", "http://e.com/a/"},
    {"double dot at the end", "http://e.com/a/b/..", "http://e.com/a/"},
    {"double dot to the root", "http://e.com/a/..", "http://e.com/"},
    {"encoded dots", "http://e.com/a/%2e%2E/b", "http://e.com/b"},
    {"half encoded dots", "http://e.com/a/.%2e/b", "http://e.com/b"},
    {"three dots are a name", "http://e.com/a/.../b", "http://e.com/a/.../b"},
    {"dot names", "http://e.com/.a/..b/c.", "http://e.com/.a/..b/c."},
    {"empty segments stay", "http://e.com/a//b", "http://e.com/a//b"},
    {"dots after empty segment", "http://e.com/a//../b", "http://e.com/a/b"},
    {"dots in the query stay", "http://e.com/a?b/../c", "http://e.com/a?b/../c"},
    {"encoded unreserved", "http://e.com/%63asino/%7Eme", "http://e.com/casino/~me"},
    {"encoded slash stays", "http://e.com/a%2fb", "http://e.com/a%2Fb"},
    {"triplets in upper case", "http://e.com/%c3%a9", "http://e.com/%C3%A9"},
    {"bytes outside ASCII", "http://e.com/\xc3\xa9", "http://e.com/%C3%A9"},
    {"query is normalised as well", "http://e.com/?a=%41%2f", "http://e.com/?a=A%2F"},
    {"per cent sign that is no triplet", "http://e.com/100%", "http://e.com/100%25"},
    {"per cent sign with one digit", "http://e.com/%4", "http://e.com/%254"},
    {"double encoding is not opened twice", "http://e.com/%2541", "http://e.com/%2541"},
    {"characters browsers leave bare", "http://e.com/a|b^{c}`\"<>",
     "http://e.com/a%7Cb%5E%7Bc%7D%60%22%3C%3E"},
    {"the same, encoded", "http://e.com/a%7Cb%5e%7bc%7D%60%22%3c%3e",
     "http://e.com/a%7Cb%5E%7Bc%7D%60%22%3C%3E"},
    {"backslash in the path", "http://e.com/a\\..\\b", "http://e.com/a%5C..%5Cb"},
    {"question mark twice", "http://e.com/a?b?c", "http://e.com/a?b?c"},
    {"plus and ampersand stay", "http://e.com/?a+b&c=d;e", "http://e.com/?a+b&c=d;e"},
    {"encoded control byte stays encoded", "http://e.com/%00%0a", "http://e.com/%00%0A"},
};

static void test_normal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct url_case *c = &cases[i];
        struct arena a;
        arena_init(&a, 1024, 1 << 20);
        struct url u;
        struct str s;
        enum err e = url_parse(str_of(c->input), &u);
        if ((e == OK) != (c->want != NULL))
            fail_msg("%s: %s gives %s", c->why, c->input, err_name(e));
        if (e == OK) {
            assert_int_equal(url_normal(&u, &a, &s), OK);
            if (!str_eq(s, str_of(c->want)))
                fail_msg("%s: %s gives %.*s, not %s", c->why, c->input, STR_ARG(s), c->want);
        }
        arena_fini(&a);
    }
}

/* Normalising a second time changes nothing. */
static void test_fixed_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        arena_init(&a, 1024, 1 << 20);
        struct url u;
        struct str once, twice;
        if (url_parse(str_of(cases[i].input), &u) == OK) {
            assert_int_equal(url_normal(&u, &a, &once), OK);
            assert_int_equal(url_parse(once, &u), OK);
            assert_int_equal(url_normal(&u, &a, &twice), OK);
            assert_true(str_eq(once, twice));
        }
        arena_fini(&a);
    }
}

static void test_parts(void **state)
{
    (void)state;
    struct url u;
    assert_int_equal(url_parse(STR("https://Example.com:8443/a%20b?c#d"), &u), OK);
    assert_int_equal(u.scheme, URL_HTTPS);
    assert_int_equal(u.port, 8443);
    assert_false(u.is_port_default);
    assert_true(str_eq(u.path_query, STR("/a%20b?c")));
    assert_true(str_eq(host_str(&u.host), STR("example.com")));
    assert_int_equal(url_parse(STR("http://example.com"), &u), OK);
    assert_true(str_eq(u.path_query, STR("/")));
    assert_true(u.is_port_default);
}

static void test_authority(void **state)
{
    (void)state;
    static const struct {
        const char *why, *input, *host;
        uint16_t port;
    } rows[] = {
        {"plain", "example.com:443", "example.com", 443},
        {"case", "EXAMPLE.com.:443", "example.com", 443},
        {"IPv6", "[::1]:443", "::1", 443},
        {"odd IPv4", "0177.1:443", "127.0.0.1", 443},
        {"no port", "example.com", NULL, 0},
        {"empty port", "example.com:", NULL, 0},
        {"port 0", "example.com:0", NULL, 0},
        {"port too large", "example.com:65536", NULL, 0},
        {"wraps at 32 bits", "example.com:4294967739", NULL, 0},
        {"userinfo", "a@example.com:443", NULL, 0},
        {"path", "example.com:443/", NULL, 0},
        {"url", "http://example.com:443", NULL, 0},
        {"two ports", "example.com:443:443", NULL, 0},
        {"comma list", "example.com:443,evil.com:443", NULL, 0},
        {"zone", "[fe80::1%eth0]:443", NULL, 0},
        {"empty host", ":443", NULL, 0},
        {"empty", "", NULL, 0},
        {"IPv6 without brackets", "::1:443", NULL, 0},
        {"space", "example.com :443", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct host h;
        uint16_t port;
        enum err e = url_parse_authority(str_of(rows[i].input), &h, &port);
        if ((e == OK) != (rows[i].host != NULL))
            fail_msg("%s: %s gives %s", rows[i].why, rows[i].input, err_name(e));
        if (e != OK)
            continue;
        assert_string_equal(h.text, rows[i].host);
        assert_int_equal(port, rows[i].port);
    }
}

static void test_host_field(void **state)
{
    (void)state;
    struct host h;
    uint16_t port = 7;
    assert_int_equal(url_parse_host_field(STR("Example.com"), &h, &port), OK);
    assert_int_equal(port, 0);
    assert_int_equal(url_parse_host_field(STR("example.com:8080"), &h, &port), OK);
    assert_int_equal(port, 8080);
    assert_int_equal(url_parse_host_field(STR("[::1]"), &h, &port), OK);
    assert_string_equal(h.text, "::1");
    assert_int_equal(url_parse_host_field(STR(""), &h, &port), ERR_INVALID);
    assert_int_equal(url_parse_host_field(STR("a b"), &h, &port), ERR_INVALID);
    assert_int_equal(url_parse_host_field(STR("http://a"), &h, &port), ERR_INVALID);
}

static void test_normal_authority(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024, 1 << 20);
    struct host h;
    struct str s;
    assert_int_equal(host_normalise(STR("Example.com"), &h), OK);
    assert_int_equal(url_normal_authority(&h, 443, &a, &s), OK);
    assert_true(str_eq(s, STR("https://example.com/")));
    assert_int_equal(url_normal_authority(&h, 80, &a, &s), OK);
    assert_true(str_eq(s, STR("https://example.com:80/")));
    assert_int_equal(host_normalise(STR("[::1]"), &h), OK);
    assert_int_equal(url_normal_authority(&h, 443, &a, &s), OK);
    assert_true(str_eq(s, STR("https://[::1]/")));
    arena_fini(&a);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64, 128);
    struct url u;
    struct str s;
    assert_int_equal(url_parse(STR("http://example.com/"), &u), OK);
    assert_int_equal(url_normal(&u, &a, &s), ERR_NOMEM);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),     cmocka_unit_test(test_fixed_point),
        cmocka_unit_test(test_parts),      cmocka_unit_test(test_authority),
        cmocka_unit_test(test_host_field), cmocka_unit_test(test_normal_authority),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
