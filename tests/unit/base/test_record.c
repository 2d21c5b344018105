/* record: what is encoded is decoded, damaged bytes are said to be damaged. */
#include "base/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct record *r)
{
    *r = (struct record){
        .id = UINT64_MAX,
        .time_ms = INT64_C(1700000000123),
        .duration_ms = 7,
        .client_port = 65535,
        .port = 443,
        .status = 403,
        .verdict = RECORD_BLOCKED,
        .tls = RECORD_TLS_TUNNEL,
        .cache = RECORD_CACHE_MISS,
        .bytes_in = UINT64_C(1) << 40,
        .bytes_out = 12,
        .upstream_ms = 3,
        .policy_version = 42,
        .node = STR("n1"),
        .user = STR("m\xc3\xbcller"),
        .groups = STR("a\nb"),
        .method = STR("GET"),
        .url = STR("http://a.test/\x1b[31m"),
        .scheme = STR("http"),
        .host = STR("a.test"),
        .categories = STR("gambling\nnews"),
        .error = STR(""),
        .listener = STR("127.0.0.1:3128"),
        .group_paths = STR("a\nb<c"),
        .effect = STR("override-justified"),
        .note = STR("for the exam"),
        .answer_bytes = 4711,
    };
    assert_int_equal(ip_parse(STR("2001:db8::1"), &r->client), OK);
}

/* What a journal of an older program holds: without the last member of the fixed part and the last
 * four strings. */
static void test_format_1(void **state)
{
    (void)state;
    struct record in, out;
    struct buf b;
    buf_init(&b, 1 << 20);
    fill(&in);
    in.listener = in.group_paths = in.effect = in.note = STR("");
    record_encode(&in, &b);
    const size_t answer_at = 80, format_at = 70; /* of struct fixed */
    uint16_t format;
    memcpy(&format, b.p + format_at, sizeof format);
    assert_int_equal(format, 2);
    format = 1;
    memcpy(b.p + format_at, &format, sizeof format);
    memmove(b.p + answer_at, b.p + answer_at + 8, b.n - answer_at - 8);
    b.n -= 8 + 4 * sizeof(uint16_t);
    assert_int_equal(record_decode(buf_str(&b), &out), OK);
    assert_true(str_eq(out.user, in.user) && str_eq(out.categories, in.categories));
    assert_int_equal(out.listener.n, 0);
    assert_true(out.answer_bytes == RECORD_NOT_TOLD);
    assert_int_equal(record_decode(str_make(b.p, b.n - 1), &out), ERR_CORRUPT);
    buf_fini(&b);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct record in, out;
    struct buf b, again;
    buf_init(&b, 1 << 20);
    buf_init(&again, 1 << 20);
    fill(&in);
    record_encode(&in, &b);
    assert_false(b.failed);
    assert_int_equal(record_decode(buf_str(&b), &out), OK);
    assert_int_equal(out.id, in.id);
    assert_int_equal(out.time_ms, in.time_ms);
    assert_int_equal(out.bytes_in, in.bytes_in);
    assert_int_equal(out.status, 403);
    assert_true(ip_eq(&in.client, &out.client));
    assert_true(str_eq(out.user, in.user) && str_eq(out.url, in.url));
    assert_true(str_eq(out.categories, in.categories));
    assert_int_equal(out.error.n, 0);
    assert_true(str_eq(out.listener, in.listener) && str_eq(out.group_paths, in.group_paths));
    assert_true(str_eq(out.effect, in.effect) && str_eq(out.note, in.note));
    assert_int_equal(out.answer_bytes, 4711);
    record_encode(&out, &again);
    assert_true(str_eq(buf_str(&b), buf_str(&again)));
    buf_fini(&b);
    buf_fini(&again);
}

static void test_damage(void **state)
{
    (void)state;
    struct record in, out;
    struct buf b;
    buf_init(&b, 1 << 20);
    fill(&in);
    record_encode(&in, &b);
    for (size_t n = 0; n < b.n; n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, b.p, n);
        assert_int_equal(record_decode(str_make(cut, n), &out), ERR_CORRUPT);
        free(cut);
    }
    for (size_t i = 0; i < b.n; i++) {
        char kept = b.p[i];
        b.p[i] = (char)0xff;
        enum err e = record_decode(buf_str(&b), &out);
        assert_true(e == OK || e == ERR_CORRUPT);
        b.p[i] = kept;
    }
    buf_fini(&b);
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    struct record in, out;
    struct buf b;
    static char text[100000];
    memset(text, 'u', sizeof text);
    buf_init(&b, 1 << 20);
    fill(&in);
    in.url = str_make(text, sizeof text);
    record_encode(&in, &b);
    assert_int_equal(record_decode(buf_str(&b), &out), OK);
    assert_int_equal(out.url.n, 65535);
    assert_true(str_eq(out.host, in.host));
    buf_fini(&b);
}

static void test_names(void **state)
{
    (void)state;
    for (int v = RECORD_ALLOWED; v <= RECORD_ERROR; v++) {
        enum record_verdict back;
        struct str name = str_of(record_verdict_name((enum record_verdict)v));
        assert_true(record_verdict_from_name(name, &back));
        assert_int_equal(back, v);
    }
    enum record_verdict none;
    assert_false(record_verdict_from_name(STR("nonsense"), &none));
    assert_string_equal(record_tls_name(RECORD_TLS_INSPECTED), "inspected");
    assert_string_equal(record_cache_name(RECORD_CACHE_HIT), "hit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_format_1),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
