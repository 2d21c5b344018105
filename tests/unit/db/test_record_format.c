/* record_format: one line stays one line, whatever a client sent. */
#include "db/record_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "event_records.h"

struct text_case {
    const char *why;
    struct str input;
    const char *json, *csv;
};

static const struct text_case cases[] = {
    {"plain", {"abc", 3}, "\"abc\"", "\"abc\""},
    {"empty", {"", 0}, "\"\"", "\"\""},
    {"quotes", {"a\"b\\c", 5}, "\"a\\\"b\\\\c\"", "\"a\"\"b\\c\""},
    {"line ends", {"a\r\nb", 4}, "\"a\\r\\nb\"", "\"a\\u000d\\u000ab\""},
    {"NUL", {"a\0b", 3}, "\"a\\u0000b\"", "\"a\\u0000b\""},
    {"script", {"</script>", 9}, "\"\\u003c/script>\"", "\"</script>\""},
    {"separators", {"\xe2\x80\xa8\xe2\x80\xa9", 6}, "\"\\u2028\\u2029\"", "\"\\u2028\\u2029\""},
    {"right to left", {"\xe2\x80\xae", 3}, "\"\\u202e\"", "\"\\u202e\""},
    {"isolate", {"\xe2\x81\xa6", 3}, "\"\\u2066\"", "\"\\u2066\""},
    {"escape", {"\x1b[0m", 4}, "\"\\u001b[0m\"", "\"\\u001b[0m\""},
    {"C1", {"\xc2\x9b", 2}, "\"\\u009b\"", "\"\\u009b\""},
    {"letters",
     {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
     "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
     "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"broken UTF-8", {"a\xff\xc3", 3}, "\"a\\ufffd\\ufffd\"", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
    {"overlong", {"\xc0\xaf", 2}, "\"\\ufffd\\ufffd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {"surrogate",
     {"\xed\xa0\x80", 3},
     "\"\\ufffd\\ufffd\\ufffd\"",
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"formula =", {"=1+1", 4}, "\"=1+1\"", "\"'=1+1\""},
    {"formula +", {"+1", 2}, "\"+1\"", "\"'+1\""},
    {"formula -", {"-1", 2}, "\"-1\"", "\"'-1\""},
    {"formula @", {"@SUM(A1)", 8}, "\"@SUM(A1)\"", "\"'@SUM(A1)\""},
    {"formula tab", {"\t=1", 3}, "\"\\t=1\"", "\"'\\u0009=1\""},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 4096);
        record_format_json_string(cases[i].input, &b);
        if (!str_eq(buf_str(&b), str_of(cases[i].json)))
            fail_msg("JSON, %s: %.*s", cases[i].why, STR_ARG(buf_str(&b)));
        buf_clear(&b);
        record_format_csv_cell(cases[i].input, &b);
        if (!str_eq(buf_str(&b), str_of(cases[i].csv)))
            fail_msg("CSV, %s: %.*s", cases[i].why, STR_ARG(buf_str(&b)));
        buf_fini(&b);
    }
}

static struct record sample(struct made *m)
{
    struct record r = make_record(1230, INT64_C(1767225600123), m);
    r.user = STR("al\"ice\n");
    r.content_type = STR("text/html; charset=utf-8");
    return r;
}

static void test_json(void **state)
{
    (void)state;
    struct made m;
    struct record r = sample(&m);
    struct buf b;
    buf_init(&b, 1 << 16);
    record_format_json(&r, &b);
    assert_null(memchr(b.p, '\n', b.n));
    json_t *j = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    static const char *const names[] = {
        "id",          "node",           "time",       "duration_ms",  "client",  "user",
        "groups",      "method",         "url",        "scheme",       "host",    "port",
        "status",      "bytes_in",       "bytes_out",  "content_type", "verdict", "rule",
        "rule_name",   "policy_version", "categories", "cache",        "tls",     "upstream",
        "upstream_ms", "user_agent",     "referer",    "error",        "shadow",  "listener",
        "group_paths", "effect",         "note"};
    assert_int_equal(json_object_size(j), sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(json_object_get(j, names[i]));
    assert_string_equal(json_string_value(json_object_get(j, "time")), "2026-01-01T00:00:00.123Z");
    assert_string_equal(json_string_value(json_object_get(j, "user")), "al\"ice\n");
    assert_string_equal(json_string_value(json_object_get(j, "client")), "10.0.0.30");
    assert_int_equal(json_array_size(json_object_get(j, "categories")), 2);
    assert_int_equal(json_integer_value(json_object_get(j, "status")), 403);
    json_decref(j);
    buf_fini(&b);
}

static size_t count(struct str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

static void test_csv_and_squid(void **state)
{
    (void)state;
    struct made m;
    struct record r = sample(&m);
    struct buf b;
    buf_init(&b, 1 << 16);
    record_format_csv_head(&b);
    size_t columns = count(buf_str(&b), ',');
    assert_int_equal(columns, 32);
    buf_clear(&b);
    record_format_csv(&r, &b);
    assert_int_equal(count(buf_str(&b), ','), columns);
    assert_int_equal(count(buf_str(&b), '\n'), 1);
    assert_true(str_starts(buf_str(&b), STR("1230,\"n1\",\"2026-01-01T00:00:00.123Z\",30,")));
    buf_clear(&b);
    record_format_squid(&r, &b);
    assert_true(str_eq(buf_str(&b), STR("1767225600.153     30 10.0.0.30 TCP_DENIED/403 1005 GET "
                                        "http://host221.example.com/path/1230?q=1 al\"ice%0A "
                                        "HIER_DIRECT/192.0.2.1 text/html\n")));
    buf_clear(&b);
    r.upstream = STR("hq/[2001:db8::1]:3128");
    record_format_squid(&r, &b);
    assert_true(str_ends(buf_str(&b), STR(" FIRSTUP_PARENT/[2001:db8::1] text/html\n")));
    buf_clear(&b);
    r.scheme = STR("connect");
    r.verdict = RECORD_ALLOWED;
    r.method = STR("CONNECT");
    r.user = r.upstream = r.content_type = STR("");
    r.port = 443;
    record_format_squid(&r, &b);
    assert_true(str_eq(buf_str(&b), STR("1767225600.153     30 10.0.0.30 TCP_TUNNEL/403 1005 "
                                        "CONNECT host221.example.com:443 - HIER_NONE/- -\n")));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_csv_and_squid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
