/* proxy_line: both versions, cut at every byte. */
#include "proxyd/wire/proxy_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define A4 "\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb"
#define A6                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"         \
    "\x00\x50\x01\xbb"
#define BYTES(s)                                                                                   \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

struct line_case {
    const char *why;
    struct str input;
    enum err err;
    const char *src, *dst; /* NULL: local */
    size_t surplus;        /* bytes behind the header */
};

static const struct line_case cases[] = {
    {"v1 IPv4", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\nGET"), OK, "1.2.3.4:80", "5.6.7.8:443",
     3},
    {"v1 IPv6", BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 80 443\r\n"), OK, "[2001:db8::1]:80",
     "[2001:db8::2]:443", 0},
    {"v1 unknown", BYTES("PROXY UNKNOWN\r\n"), OK, NULL, NULL, 0},
    {"v1 unknown with junk", BYTES("PROXY UNKNOWN ff::1 x y z\r\nG"), OK, NULL, NULL, 1},
    {"v1 wrong family", BYTES("PROXY TCP4 ::1 ::2 80 443\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 mapped in TCP4", BYTES("PROXY TCP4 ::ffff:1.2.3.4 5.6.7.8 80 443\r\n"), ERR_INVALID, NULL,
     NULL, 0},
    {"v1 IPv4 in TCP6", BYTES("PROXY TCP6 1.2.3.4 5.6.7.8 80 443\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 two spaces", BYTES("PROXY TCP4  1.2.3.4 5.6.7.8 80 443\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 space at the end", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 80 443 \r\n"), ERR_INVALID, NULL,
     NULL, 0},
    {"v1 one port", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 80\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 port too large", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 65536 443\r\n"), ERR_INVALID, NULL,
     NULL, 0},
    {"v1 port with leading zero", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 080 443\r\n"), ERR_INVALID,
     NULL, NULL, 0},
    {"v1 octal address", BYTES("PROXY TCP4 01.2.3.4 5.6.7.8 80 443\r\n"), ERR_INVALID, NULL, NULL,
     0},
    {"v1 lower case", BYTES("proxy TCP4 1.2.3.4 5.6.7.8 80 443\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 bare LF", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 bare LF before the end", BYTES("PROXY UNKNOWN a\nb\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 NUL", BYTES("PROXY UNKNOWN a\0b\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 bare CR", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\rX"), ERR_INVALID, NULL, NULL, 0},
    {"v1 UDP", BYTES("PROXY UDP4 1.2.3.4 5.6.7.8 80 443\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v1 without end", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 80"), ERR_AGAIN, NULL, NULL, 0},
    {"v1 too long",
     BYTES("PROXY UNKNOWN "
           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
           "xxxxxxxxxxxxxxxxxxxxx"),
     ERR_LIMIT, NULL, NULL, 0},
    {"no header at all", BYTES("GET / HTTP/1.1\r\n"), ERR_INVALID, NULL, NULL, 0},
    {"v2 IPv4", BYTES(V2 "\x21\x11\x00\x0c" A4 "GET"), OK, "1.2.3.4:80", "5.6.7.8:443", 3},
    {"v2 IPv6", BYTES(V2 "\x21\x21\x00\x24" A6), OK, "[2001:db8::1]:80", "[2001:db8::2]:443", 0},
    {"v2 IPv4 with TLV", BYTES(V2 "\x21\x11\x00\x10" A4 "\x04\x00\x01x"), OK, "1.2.3.4:80",
     "5.6.7.8:443", 0},
    {"v2 local", BYTES(V2 "\x20\x00\x00\x00G"), OK, NULL, NULL, 1},
    {"v2 local with addresses", BYTES(V2 "\x20\x11\x00\x0c" A4), OK, NULL, NULL, 0},
    {"v2 unspecified", BYTES(V2 "\x21\x00\x00\x03xyz"), OK, NULL, NULL, 0},
    {"v2 UDP", BYTES(V2 "\x21\x12\x00\x0c" A4), OK, NULL, NULL, 0},
    {"v2 too short for its family",
     BYTES(V2 "\x21\x11\x00\x0b\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01"), ERR_INVALID, NULL,
     NULL, 0},
    {"v2 version 1", BYTES(V2 "\x11\x11\x00\x0c" A4), ERR_INVALID, NULL, NULL, 0},
    {"v2 unknown command", BYTES(V2 "\x22\x11\x00\x0c" A4), ERR_INVALID, NULL, NULL, 0},
    {"v2 unknown family", BYTES(V2 "\x21\x41\x00\x0c" A4), ERR_INVALID, NULL, NULL, 0},
    {"v2 huge length", BYTES(V2 "\x21\x11\xff\xff" A4), ERR_LIMIT, NULL, NULL, 0},
    {"v2 not finished", BYTES(V2 "\x21\x11\x00\x0c\x01\x02"), ERR_AGAIN, NULL, NULL, 0},
    {"v2 broken signature", BYTES("\r\n\r\n\0\r\nQUIX\n\x21\x11\x00\x0c" A4), ERR_INVALID, NULL,
     NULL, 0},
};

static void check_address(const char *why, const struct ip_port *a, const char *want)
{
    struct buf b;
    buf_init(&b, 100);
    ip_port_format(a, &b);
    if (!str_eq(buf_str(&b), str_of(want)))
        fail_msg("%s: %.*s", why, STR_ARG(buf_str(&b)));
    buf_fini(&b);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct line_case *c = &cases[i];
        struct proxy_line line;
        enum err e = proxy_line_parse(c->input, &line);
        if (e != c->err)
            fail_msg("%s: %s", c->why, err_name(e));
        if (e != OK)
            continue;
        assert_int_equal(line.n_bytes, c->input.n - c->surplus);
        assert_int_equal(line.is_local, c->src == NULL);
        if (!c->src)
            continue;
        check_address(c->why, &line.src, c->src);
        check_address(c->why, &line.dst, c->dst);
    }
}

/* The answer of a prefix is "more", or already the answer of the whole. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t n = 0; n < cases[i].input.n; n++) {
            struct proxy_line line;
            enum err e = proxy_line_parse(str_sub(cases[i].input, 0, n), &line);
            if (e != ERR_AGAIN && e != cases[i].err)
                fail_msg("%s cut at %zu: %s", cases[i].why, n, err_name(e));
        }
    }
}

static void test_write(void **state)
{
    (void)state;
    static const char *const pairs[][3] = {
        {"1.2.3.4:80", "5.6.7.8:443", "PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n"},
        {"[2001:db8::1]:80", "[2001:db8::2]:443", "PROXY TCP6 2001:db8::1 2001:db8::2 80 443\r\n"},
        {"1.2.3.4:80", "[2001:db8::2]:443", "PROXY UNKNOWN\r\n"},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535",
         "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct ip_port src, dst;
        char out[PROXY_LINE_V1_MAX];
        assert_int_equal(ip_port_parse(str_of(pairs[i][0]), &src), OK);
        assert_int_equal(ip_port_parse(str_of(pairs[i][1]), &dst), OK);
        size_t n = proxy_line_write(&src, &dst, out);
        assert_true(str_eq(str_make(out, n), str_of(pairs[i][2])));
        struct proxy_line line;
        assert_int_equal(proxy_line_parse(str_make(out, n), &line), OK);
    }
}

/* Both families, and the way back through the reader, cut at every byte. */
static void test_write_v2(void **state)
{
    (void)state;
    static const struct {
        const char *src, *dst;
        struct str want;
    } pairs[] = {
        {"1.2.3.4:80", "5.6.7.8:443", BYTES(V2 "\x21\x11\x00\x0c" A4)},
        {"[2001:db8::1]:80", "[2001:db8::2]:443", BYTES(V2 "\x21\x21\x00\x24" A6)},
        {"1.2.3.4:80", "[2001:db8::2]:443", BYTES(V2 "\x20\x00\x00\x00")},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct ip_port src, dst;
        struct proxy_line line;
        char out[PROXY_LINE_V2_MAX];
        assert_int_equal(ip_port_parse(str_of(pairs[i].src), &src), OK);
        assert_int_equal(ip_port_parse(str_of(pairs[i].dst), &dst), OK);
        size_t n = proxy_line_write_v2(&src, &dst, out);
        assert_int_equal(n, pairs[i].want.n);
        assert_memory_equal(out, pairs[i].want.p, n);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(proxy_line_parse(str_make(out, cut), &line), ERR_AGAIN);
        assert_int_equal(proxy_line_parse(str_make(out, n), &line), OK);
        assert_int_equal(line.n_bytes, n);
        assert_int_equal(line.is_local, i == 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_v2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
