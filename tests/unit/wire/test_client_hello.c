/* client_hello: a real hello, built ones with each part broken, and every cut of all of them. */
#include "proxyd/wire/client_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What OpenSSL 3.0 sends for Www.Example.com with ALPN h2 and http/1.1. */
/* clang-format off */
static const uint8_t real[] = {
    0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, 0x03, 0x45, 0x3f, 0x71, 0xcc,
    0xe0, 0x7d, 0xc2, 0x67, 0x5f, 0xf0, 0x8d, 0xaa, 0x69, 0xf0, 0x77, 0x80, 0x55, 0xa4, 0x6a, 0xe2,
    0xa3, 0x88, 0x0c, 0x7b, 0x19, 0x85, 0xfc, 0x9e, 0x31, 0x0b, 0x66, 0x20, 0x97, 0x67, 0x6b, 0x34,
    0x82, 0x4c, 0xa9, 0x0c, 0x41, 0xd5, 0xec, 0xcf, 0x74, 0x6a, 0x99, 0x95, 0x93, 0x6a, 0x1d, 0x6e,
    0x0d, 0xb3, 0x2b, 0xd0, 0x79, 0xd4, 0x55, 0xd1, 0x27, 0x65, 0x71, 0x56, 0x00, 0x3e, 0x13, 0x02,
    0x13, 0x03, 0x13, 0x01, 0xc0, 0x2c, 0xc0, 0x30, 0x00, 0x9f, 0xcc, 0xa9, 0xcc, 0xa8, 0xcc, 0xaa,
    0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0x9e, 0xc0, 0x24, 0xc0, 0x28, 0x00, 0x6b, 0xc0, 0x23, 0xc0, 0x27,
    0x00, 0x67, 0xc0, 0x0a, 0xc0, 0x14, 0x00, 0x39, 0xc0, 0x09, 0xc0, 0x13, 0x00, 0x33, 0x00, 0x9d,
    0x00, 0x9c, 0x00, 0x3d, 0x00, 0x3c, 0x00, 0x35, 0x00, 0x2f, 0x00, 0xff, 0x01, 0x00, 0x01, 0x75,
    0x00, 0x00, 0x00, 0x14, 0x00, 0x12, 0x00, 0x00, 0x0f, 0x57, 0x77, 0x77, 0x2e, 0x45, 0x78, 0x61,
    0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x63, 0x6f, 0x6d, 0x00, 0x0b, 0x00, 0x04, 0x03, 0x00, 0x01, 0x02,
    0x00, 0x0a, 0x00, 0x16, 0x00, 0x14, 0x00, 0x1d, 0x00, 0x17, 0x00, 0x1e, 0x00, 0x19, 0x00, 0x18,
    0x01, 0x00, 0x01, 0x01, 0x01, 0x02, 0x01, 0x03, 0x01, 0x04, 0x00, 0x23, 0x00, 0x00, 0x00, 0x10,
    0x00, 0x0e, 0x00, 0x0c, 0x02, 0x68, 0x32, 0x08, 0x68, 0x74, 0x74, 0x70, 0x2f, 0x31, 0x2e, 0x31,
    0x00, 0x16, 0x00, 0x00, 0x00, 0x17, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x2a, 0x00, 0x28, 0x04, 0x03,
    0x05, 0x03, 0x06, 0x03, 0x08, 0x07, 0x08, 0x08, 0x08, 0x09, 0x08, 0x0a, 0x08, 0x0b, 0x08, 0x04,
    0x08, 0x05, 0x08, 0x06, 0x04, 0x01, 0x05, 0x01, 0x06, 0x01, 0x03, 0x03, 0x03, 0x01, 0x03, 0x02,
    0x04, 0x02, 0x05, 0x02, 0x06, 0x02, 0x00, 0x2b, 0x00, 0x09, 0x08, 0x03, 0x04, 0x03, 0x03, 0x03,
    0x02, 0x03, 0x01, 0x00, 0x2d, 0x00, 0x02, 0x01, 0x01, 0x00, 0x33, 0x00, 0x26, 0x00, 0x24, 0x00,
    0x1d, 0x00, 0x20, 0x85, 0x72, 0xf3, 0x75, 0xe8, 0xb1, 0xd6, 0xb4, 0x2f, 0x8c, 0x14, 0x9c, 0xb1,
    0x00, 0x8a, 0xd4, 0xa2, 0xf5, 0x00, 0x3f, 0x91, 0x61, 0x38, 0xa5, 0x74, 0xf1, 0xf6, 0x76, 0x28,
    0xd0, 0x73, 0x3a, 0x00, 0x15, 0x00, 0xae, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00,
};
/* clang-format on */

/* --- building --------------------------------------------------------------------------------- */

struct hello {
    struct str extensions; /* with their own heads, without the length of all */
    bool no_extensions;
    size_t record_bytes; /* content of one record; 0: all in one */
};

static void add_number(struct buf *b, size_t v, unsigned bytes)
{
    while (bytes--)
        buf_add_c(b, (char)(v >> (8 * bytes)));
}

static void build(const struct hello *h, struct buf *out)
{
    struct buf m, body;
    buf_init(&m, 1 << 17);
    buf_init(&body, 1 << 17);
    add_number(&body, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        buf_add_c(&body, 'r');
    add_number(&body, 0, 1);
    add_number(&body, 2, 2);
    add_number(&body, 0x1301, 2);
    add_number(&body, 1, 1);
    add_number(&body, 0, 1);
    if (!h->no_extensions) {
        add_number(&body, h->extensions.n, 2);
        buf_add(&body, h->extensions);
    }
    add_number(&m, 1, 1);
    add_number(&m, body.n, 3);
    buf_add(&m, buf_str(&body));
    size_t each = h->record_bytes ? h->record_bytes : m.n;
    for (size_t at = 0; at < m.n; at += each) {
        struct str part = str_sub(buf_str(&m), at, at + each);
        add_number(out, 0x160301, 3);
        add_number(out, part.n, 2);
        buf_add(out, part);
    }
    buf_fini(&m);
    buf_fini(&body);
}

#define BYTES(s)                                                                                   \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
#define SNI_A                                                                                      \
    "\0\0\0\x0b\0\x09\0\0\x06"                                                                     \
    "a.test"

struct hello_case {
    const char *why;
    struct hello hello;
    enum err err;
    const char *sni; /* NULL: none */
};

static const struct hello_case cases[] = {
    {"no extensions", {.no_extensions = true}, OK, NULL},
    {"empty extensions", {.extensions = BYTES("")}, OK, NULL},
    {"name", {.extensions = BYTES(SNI_A)}, OK, "a.test"},
    {"name behind unknown extension",
     {.extensions = BYTES("\xab\xcd\0\x02xy" SNI_A)},
     OK,
     "a.test"},
    {"records of one byte are too many",
     {.extensions = BYTES(SNI_A), .record_bytes = 1},
     ERR_LIMIT,
     NULL},
    {"records of seven bytes", {.extensions = BYTES(SNI_A), .record_bytes = 7}, OK, "a.test"},
    {"name twice", {.extensions = BYTES(SNI_A SNI_A)}, ERR_INVALID, NULL},
    {"two names in the list",
     {.extensions = BYTES("\0\0\0\x0e\0\x0c\0\0\x03"
                          "a.b\0\0\x03"
                          "c.d")},
     ERR_INVALID,
     NULL},
    {"address as a name",
     {.extensions = BYTES("\0\0\0\x0c\0\x0a\0\0\x07"
                          "1.2.3.4")},
     ERR_INVALID,
     NULL},
    {"NUL in the name",
     {.extensions = BYTES("\0\0\0\x0b\0\x09\0\0\x06"
                          "a.t\0st")},
     ERR_INVALID,
     NULL},
    {"empty name", {.extensions = BYTES("\0\0\0\x05\0\x03\0\0\0")}, ERR_INVALID, NULL},
    {"empty extension", {.extensions = BYTES("\0\0\0\0")}, ERR_INVALID, NULL},
    {"other name type",
     {.extensions = BYTES("\0\0\0\x0b\0\x09\x01\0\x06"
                          "a.test")},
     ERR_INVALID,
     NULL},
    {"name longer than its list",
     {.extensions = BYTES("\0\0\0\x0b\0\x09\0\0\x09"
                          "a.test")},
     ERR_INVALID,
     NULL},
    {"bytes behind the list",
     {.extensions = BYTES("\0\0\0\x0c\0\x09\0\0\x06"
                          "a.testx")},
     ERR_INVALID,
     NULL},
    {"extension longer than all", {.extensions = BYTES("\xab\xcd\0\x09xy")}, ERR_INVALID, NULL},
    {"extension head cut", {.extensions = BYTES("\xab\xcd\0")}, ERR_INVALID, NULL},
    {"ALPN with an empty name", {.extensions = BYTES("\0\x10\0\x03\0\x01\0")}, ERR_INVALID, NULL},
    {"ALPN empty list", {.extensions = BYTES("\0\x10\0\x02\0\0")}, ERR_INVALID, NULL},
    {"versions of odd length",
     {.extensions = BYTES("\0\x2b\0\x04\x03\x03\x04\x03")},
     ERR_INVALID,
     NULL},
};

/* A heap block of just this size, so that a sanitizer sees one byte too many. */
static enum err parse_exact(struct str s, size_t n, struct client_hello *out)
{
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n)
        memcpy(copy, s.p, n);
    enum err e = client_hello_parse(str_make(copy, n), out);
    free(copy);
    return e;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct hello_case *c = &cases[i];
        struct client_hello h;
        struct buf b;
        buf_init(&b, 1 << 18);
        build(&c->hello, &b);
        enum err e = parse_exact(buf_str(&b), b.n, &h);
        if (e != c->err)
            fail_msg("%s: %s", c->why, err_name(e));
        if (e == OK &&
            (h.has_sni != (c->sni != NULL) || (c->sni && strcmp(h.sni.text, c->sni) != 0)))
            fail_msg("%s: %s", c->why, h.sni.text);
        for (size_t n = 0; n < b.n; n++) {
            enum err cut = parse_exact(buf_str(&b), n, &h);
            if (cut != ERR_AGAIN && cut != e)
                fail_msg("%s cut at %zu: %s", c->why, n, err_name(cut));
        }
        buf_fini(&b);
    }
}

static void test_real(void **state)
{
    (void)state;
    struct client_hello h;
    struct str s = str_make(real, sizeof real);
    assert_int_equal(parse_exact(s, s.n, &h), OK);
    assert_true(h.has_sni);
    assert_string_equal(h.sni.text, "www.example.com");
    assert_true(h.has_alpn_h2 && h.has_alpn_http11);
    assert_int_equal(h.n_alpn, 2);
    assert_string_equal(h.alpn[0], "h2");
    assert_int_equal(h.version, 0x0304);
    assert_false(h.has_ech);
    for (size_t n = 0; n < s.n; n++)
        assert_int_equal(parse_exact(s, n, &h), ERR_AGAIN);
}

/* A sound hello, and one byte more in its record: the beginning of a second message. */
static void test_surplus(void **state)
{
    (void)state;
    struct client_hello h;
    uint8_t copy[sizeof real + 1];
    memcpy(copy, real, sizeof real);
    copy[sizeof real] = 0;
    copy[4]++;
    assert_int_equal(parse_exact(str_make(copy, sizeof copy), sizeof copy, &h), ERR_INVALID);
    assert_int_equal(parse_exact(str_make(copy, sizeof copy), sizeof real, &h), ERR_INVALID);
}

/* Each byte changed to each of some values: never a crash, never a read too far. */
static void test_changed(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 1, 0x16, 0x7f, 0x80, 0xff};
    uint8_t copy[sizeof real];
    struct client_hello h;
    for (size_t i = 0; i < sizeof real; i++) {
        for (size_t v = 0; v < sizeof values; v++) {
            memcpy(copy, real, sizeof real);
            copy[i] = values[v];
            enum err e = parse_exact(str_make(copy, sizeof copy), sizeof copy, &h);
            assert_true(e == OK || e == ERR_INVALID || e == ERR_AGAIN || e == ERR_LIMIT);
        }
    }
}

static void test_not_tls(void **state)
{
    (void)state;
    struct client_hello h;
    assert_int_equal(parse_exact(STR("GET / HTTP/1.1\r\n"), 3, &h), ERR_INVALID);
    assert_int_equal(parse_exact(STR("S"), 1, &h), ERR_INVALID);
    assert_int_equal(parse_exact(STR("\x16\x02\x00"), 2, &h), ERR_INVALID);
    assert_int_equal(parse_exact(STR("\x16\x03\x01\x00\x00"), 5, &h), ERR_INVALID);
    assert_int_equal(parse_exact(STR("\x16\x03\x01\x40\x01"), 5, &h), ERR_INVALID);
    assert_int_equal(parse_exact(STR("\x16\x03\x01\x00\x04\x02"), 6, &h), ERR_INVALID);
    assert_int_equal(parse_exact(STR("\x16\x03\x01\x00\x04\x01\xff\xff\xff"), 9, &h), ERR_LIMIT);
    assert_int_equal(parse_exact(STR(""), 0, &h), ERR_AGAIN);
    /* A record that holds more than the hello it begins. */
    assert_int_equal(parse_exact(STR("\x16\x03\x01\x00\x06\x01\x00\x00\x01\x00\x00"), 11, &h),
                     ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),   cmocka_unit_test(test_real),
        cmocka_unit_test(test_surplus), cmocka_unit_test(test_changed),
        cmocka_unit_test(test_not_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
