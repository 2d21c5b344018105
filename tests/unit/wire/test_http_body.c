/* http_body: taking content apart, opaque runs for splice, the end of the connection. The grammar
 * itself is in the case tables. */
#include "proxyd/wire/http_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void start(struct http_body *b, bool is_chunked, uint64_t length)
{
    static struct http_head h;
    http_head_init_request(&h, NULL);
    h.is_chunked = is_chunked;
    h.has_length = !is_chunked;
    h.length = length;
    http_body_of_request(&h, b);
}

/* All bytes, at most `most` of them offered at once. */
static enum err content_of(struct http_body *b, struct str in, size_t most, struct buf *out)
{
    struct http_refusal why;
    struct http_piece piece;
    size_t done = 0, have = most;
    for (;;) {
        enum err e = http_body_step(b, str_sub(in, done, have), &piece, &why);
        if (e == ERR_INVALID)
            return e;
        buf_add(out, piece.content);
        done += piece.n;
        if (e == OK)
            return OK;
        if (piece.n == 0 && have >= in.n)
            return ERR_AGAIN;
        if (piece.n == 0)
            have += most;
    }
}

static void test_dechunk(void **state)
{
    (void)state;
    struct str in = STR("5;a=b\r\nhello\r\n2\r\n, \r\n5\r\nworld\r\n0\r\nX-A: b\r\n\r\n");
    for (size_t most = 1; most <= in.n; most++) {
        struct http_body b;
        struct buf out;
        buf_init(&out, 1000);
        start(&b, true, 0);
        assert_int_equal(content_of(&b, in, most, &out), OK);
        assert_true(str_eq(buf_str(&out), STR("hello, world")));
        assert_int_equal(b.n_content, 12);
        assert_true(b.is_done);
        assert_int_equal(http_body_eof(&b), OK);
        buf_fini(&out);
    }
}

static void test_length(void **state)
{
    (void)state;
    struct http_body b;
    struct http_refusal why;
    size_t n;
    start(&b, false, 5);
    assert_int_equal(http_body_take(&b, STR("hel"), &n, &why), ERR_AGAIN);
    assert_int_equal(n, 3);
    assert_int_equal(http_body_opaque(&b), 2);
    assert_int_equal(http_body_eof(&b), ERR_CLOSED);
    assert_int_equal(http_body_take(&b, STR("loGET"), &n, &why), OK);
    assert_int_equal(n, 2);
    assert_int_equal(http_body_take(&b, STR("GET"), &n, &why), OK);
    assert_int_equal(n, 0);
    start(&b, false, 0);
    assert_true(b.is_done);
}

static void test_opaque(void **state)
{
    (void)state;
    struct http_body b;
    struct http_refusal why;
    size_t n;
    start(&b, true, 0);
    assert_int_equal(http_body_opaque(&b), 0);
    assert_int_equal(http_body_take(&b, STR("100000\r\nab"), &n, &why), ERR_AGAIN);
    assert_int_equal(n, 10);
    assert_int_equal(http_body_opaque(&b), 0x100000 - 2);
    http_body_skip(&b, 0x100000 - 2);
    assert_int_equal(http_body_opaque(&b), 0);
    assert_int_equal(http_body_take(&b, STR("\r\n0\r\n\r\n"), &n, &why), OK);
    assert_int_equal(n, 7);
    assert_int_equal(b.n_content, 0x100000);
    start(&b, false, UINT64_C(1) << 40);
    http_body_skip(&b, UINT64_C(1) << 40);
    assert_true(b.is_done);
}

/* What is broken is not let through, what stood before it is. */
static void test_sound_prefix(void **state)
{
    (void)state;
    struct http_body b;
    struct http_refusal why;
    size_t n;
    start(&b, true, 0);
    assert_int_equal(http_body_take(&b, STR("5\r\nhello\r\nzz\r\n"), &n, &why), ERR_INVALID);
    assert_int_equal(n, 10);
    assert_int_equal(why.status, 400);
    assert_string_equal(why.reason, "chunk-size");
    start(&b, true, 0);
    assert_int_equal(http_body_take(&b, STR("5\r\nhello\r\n5;a"), &n, &why), ERR_AGAIN);
    assert_int_equal(n, 10);
}

static void test_response_framing(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint16_t status;
        bool is_chunked, has_length;
        enum http_method method;
        enum http_framing want;
    } cases[] = {
        {"2xx to CONNECT is a tunnel", 200, false, false, HTTP_CONNECT, HTTP_BODY_TUNNEL},
        {"2xx to CONNECT, fields ignored (RFC 9110 9.3.6)", 200, false, true, HTTP_CONNECT,
         HTTP_BODY_TUNNEL},
        {"refused CONNECT has a body", 403, false, true, HTTP_CONNECT, HTTP_BODY_LENGTH},
        {"101 is a tunnel", 101, false, false, HTTP_GET, HTTP_BODY_TUNNEL},
        {"100", 100, false, false, HTTP_GET, HTTP_BODY_NONE},
        {"204", 204, false, false, HTTP_GET, HTTP_BODY_NONE},
        {"304 with a length", 304, false, true, HTTP_GET, HTTP_BODY_NONE},
        {"HEAD", 200, true, false, HTTP_HEAD, HTTP_BODY_NONE},
        {"length", 200, false, true, HTTP_GET, HTTP_BODY_LENGTH},
        {"chunked", 200, true, false, HTTP_GET, HTTP_BODY_CHUNKED},
        {"close", 200, false, false, HTTP_GET, HTTP_BODY_CLOSE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct http_head h;
        struct http_body b;
        struct http_refusal why;
        http_head_init_response(&h, NULL);
        h.status = cases[i].status;
        h.is_chunked = cases[i].is_chunked;
        h.has_length = cases[i].has_length;
        h.length = 5;
        assert_int_equal(http_body_of_response(&h, cases[i].method, &b, &why), OK);
        if (b.framing != cases[i].want)
            fail_msg("%s: %d", cases[i].why, (int)b.framing);
    }
}

static void test_close(void **state)
{
    (void)state;
    static struct http_head h;
    struct http_body b;
    struct http_refusal why;
    size_t n;
    http_head_init_response(&h, NULL);
    h.status = 200;
    assert_int_equal(http_body_of_response(&h, HTTP_GET, &b, &why), OK);
    assert_int_equal(http_body_take(&b, STR("abc"), &n, &why), ERR_AGAIN);
    assert_int_equal(n, 3);
    assert_int_equal(http_body_opaque(&b), UINT64_MAX);
    http_body_skip(&b, 10);
    assert_int_equal(b.n_content, 13);
    assert_int_equal(http_body_eof(&b), OK);
    assert_true(b.is_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dechunk),          cmocka_unit_test(test_length),
        cmocka_unit_test(test_opaque),           cmocka_unit_test(test_sound_prefix),
        cmocka_unit_test(test_response_framing), cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
