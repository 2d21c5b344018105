/* http_write: heads as they leave us, beyond the byte comparison of the case tables: options, our
 * own replies, dates, and the questions asked of a head (loops, limits, connection). */
#include "proxyd/wire/http_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct http_head head;

static void parse_request(const char *text)
{
    struct http_refusal why = {0, NULL};
    http_head_init_request(&head, NULL);
    if (http_head_parse(&head, str_of(text), &why) != OK)
        fail_msg("%s: %s", text, why.reason);
}

static void parse_response(const char *text)
{
    struct http_refusal why = {0, NULL};
    http_head_init_response(&head, NULL);
    if (http_head_parse(&head, str_of(text), &why) != OK)
        fail_msg("%s: %s", text, why.reason);
}

#define ABS  "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n"
#define ORIG "GET /x HTTP/1.1\r\nHost: a.test\r\n"

struct write_case {
    const char *why, *input;
    struct http_forward how;
    const char *want;
};

static void test_requests(void **state)
{
    (void)state;
    static const struct write_case cases[] = {
        {"Via is added", ABS "\r\n", {.via = {"p.test", 6}}, ORIG "Via: 1.1 p.test\r\n\r\n"},
        {"Via behind those that came",
         ABS "Via: 1.0 x\r\nA: b\r\n\r\n",
         {.via = {"p.test", 6}},
         ORIG "Via: 1.0 x\r\nA: b\r\nVia: 1.1 p.test\r\n\r\n"},
        {"Via of a 1.0 request",
         "GET http://a.test/x HTTP/1.0\r\n\r\n",
         {.via = {"p.test", 6}},
         ORIG "Via: 1.0 p.test\r\n\r\n"},
        {"privacy: fields left out",
         ABS "Via: 1.1 x\r\nX-Forwarded-For: y\r\nA: b\r\n\r\n",
         {.drop = HEADER_BIT(HEADER_VIA) | HEADER_BIT(HEADER_X_FORWARDED_FOR)},
         ORIG "A: b\r\n\r\n"},
        {"close", ABS "\r\n", {.is_close = true}, ORIG "Connection: close\r\n\r\n"},
        {"extra lines", ABS "\r\n", {.extra = {"X-E: 1\r\n", 8}}, ORIG "X-E: 1\r\n\r\n"},
        {"absolute form for a parent, in normal form",
         "GET http://A.test.:80/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
         {.is_absolute = true},
         "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n"},
        {"absolute form with port and IPv6",
         "GET http://[::1]:81/x HTTP/1.1\r\nHost: [::1]:81\r\n\r\n",
         {.is_absolute = true},
         "GET http://[::1]:81/x HTTP/1.1\r\nHost: [::1]:81\r\n\r\n"},
        {"OPTIONS without a path to a parent",
         "OPTIONS http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n",
         {.is_absolute = true},
         "OPTIONS http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n"},
        {"CONNECT to a parent",
         "CONNECT A.test:443 HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic eDp5\r\n\r\n",
         {.via = {"p", 1}},
         "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nVia: 1.1 p\r\n\r\n"},
        {"IDN goes upstream as A-label",
         "GET http://m%C3%BCnchen.de/x HTTP/1.1\r\nHost: xn--mnchen-3ya.de\r\n\r\n",
         {.via = {NULL, 0}},
         "GET /x HTTP/1.1\r\nHost: xn--mnchen-3ya.de\r\n\r\n"},
        {"upgrade passed on by choice",
         ABS "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
         {.is_upgrade = true},
         ORIG "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n"},
        {"https keeps its port",
         "GET https://a.test:8443/x HTTP/1.1\r\nHost: a.test:8443\r\n\r\n",
         {.via = {NULL, 0}},
         "GET /x HTTP/1.1\r\nHost: a.test:8443\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, 1 << 16);
        parse_request(cases[i].input);
        assert_int_equal(http_write_request(&head, &cases[i].how, &out), OK);
        if (!str_eq(buf_str(&out), str_of(cases[i].want)))
            fail_msg("%s:\n%.*s", cases[i].why, STR_ARG(buf_str(&out)));
        buf_fini(&out);
    }
}

#define RES "HTTP/1.1 200 OK\r\n"

static void test_responses(void **state)
{
    (void)state;
    static const struct write_case cases[] = {
        {"Via",
         "HTTP/1.0 200 OK\r\nA: b\r\n\r\n",
         {.via = {"p", 1}},
         RES "A: b\r\nVia: 1.0 p\r\n\r\n"},
        {"close", RES "\r\n", {.is_close = true}, RES "Connection: close\r\n\r\n"},
        {"1.0 client that keeps alive",
         RES "A: b\r\n\r\n",
         {.to_http10 = true},
         RES "A: b\r\nConnection: keep-alive\r\n\r\n"},
        {"chunked",
         RES "Transfer-Encoding: chunked\r\n\r\n",
         {.via = {NULL, 0}},
         RES "Transfer-Encoding: chunked\r\n\r\n"},
        {"dechunked",
         RES "Transfer-Encoding: chunked\r\nTrailer: x\r\n\r\n",
         {.is_dechunked = true, .is_close = true},
         RES "Connection: close\r\n\r\n"},
        {"upgrade",
         "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
         {.is_upgrade = true},
         "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"},
        {"upgrade not passed on",
         RES "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
         {.via = {NULL, 0}},
         RES "\r\n"},
        {"Alt-Svc left out",
         RES "Alt-Svc: h3=\":443\"\r\nA: b\r\n\r\n",
         {.drop = HEADER_BIT(HEADER_ALT_SVC)},
         RES "A: b\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, 1 << 16);
        parse_response(cases[i].input);
        assert_int_equal(http_write_response(&head, &cases[i].how, &out), OK);
        if (!str_eq(buf_str(&out), str_of(cases[i].want)))
            fail_msg("%s:\n%.*s", cases[i].why, STR_ARG(buf_str(&out)));
        buf_fini(&out);
    }
}

/* A lent buffer: enough room is enough, too little is an error, the heap is never touched. */
static void test_lent_buffer(void **state)
{
    (void)state;
    char room[2048];
    struct http_forward how = {.via = STR("p.test")};
    parse_request(ABS "\r\n");
    struct buf out = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    assert_int_equal(http_write_request(&head, &how, &out), OK);
    assert_ptr_equal(out.p, room);
    out = (struct buf){.p = room, .cap = 100, .ceiling_bytes = 100};
    assert_int_equal(http_write_request(&head, &how, &out), ERR_LIMIT);
    assert_int_equal(out.n, 0);
}

static void test_replies(void **state)
{
    (void)state;
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    static const struct {
        const char *why;
        struct http_reply reply;
        const char *want;
    } cases[] = {
        {"error page",
         {.status = 403,
          .now_s = 784111777,
          .body_bytes = 7,
          .content_type = {"text/html", 9},
          .node = {"proxy1", 6},
          .error = {"http_request_denied", 19},
          .is_close = true},
         "HTTP/1.1 403 Forbidden\r\n" DATE "Content-Type: text/html\r\nContent-Length: 7\r\n"
         "Proxy-Status: proxy1; error=http_request_denied\r\nConnection: close\r\n\r\n"},
        {"challenge",
         {.status = 407, .now_s = 784111777, .basic_realm = {"a \"b\" \\ \xc3\xa9\r\n", 12}},
         "HTTP/1.1 407 Proxy Authentication Required\r\n" DATE "Content-Length: 0\r\n"
         "Proxy-Authenticate: Basic realm=\"a \\\"b\\\" \\\\ ????\", charset=\"UTF-8\"\r\n\r\n"},
        {"401",
         {.status = 401, .now_s = 784111777, .basic_realm = {"a", 1}},
         "HTTP/1.1 401 Unauthorized\r\n" DATE "Content-Length: 0\r\n"
         "WWW-Authenticate: Basic realm=\"a\", charset=\"UTF-8\"\r\n\r\n"},
        {"realm only where it belongs",
         {.status = 403, .now_s = 784111777, .basic_realm = {"a", 1}},
         "HTTP/1.1 403 Forbidden\r\n" DATE "Content-Length: 0\r\n\r\n"},
        {"node that is no token, details cannot break out",
         {.status = 502,
          .now_s = 784111777,
          .node = {"1 x", 3},
          .details = {"a\r\nSet-Cookie: \"x\"", 18}},
         "HTTP/1.1 502 Bad Gateway\r\n" DATE "Content-Length: 0\r\n"
         "Proxy-Status: \"1 x\"; details=\"a??Set-Cookie: \\\"x\\\"\"\r\n\r\n"},
        {"204 has no length",
         {.status = 204, .now_s = 784111777},
         "HTTP/1.1 204 No Content\r\n" DATE "\r\n"},
        {"extra",
         {.status = 302, .now_s = 784111777, .extra = {"Location: /\r\n", 13}},
         "HTTP/1.1 302 Found\r\n" DATE "Content-Length: 0\r\nLocation: /\r\n\r\n"},
        {"unknown status",
         {.status = 599, .now_s = 784111777},
         "HTTP/1.1 599 Unknown\r\n" DATE "Content-Length: 0\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, 1 << 16);
        assert_int_equal(http_write_reply(&cases[i].reply, &out), OK);
        if (!str_eq(buf_str(&out), str_of(cases[i].want)))
            fail_msg("%s:\n%.*s", cases[i].why, STR_ARG(buf_str(&out)));
        /* What we write, we would accept. */
        struct http_refusal why;
        http_head_init_response(&head, NULL);
        assert_int_equal(http_head_parse(&head, buf_str(&out), &why), OK);
        buf_fini(&out);
    }
}

static void test_dates(void **state)
{
    (void)state;
    for (int64_t t = 0; t < INT64_C(8000000000); t += 86399 * 7 + 3601) {
        char got[HTTP_DATE_BYTES + 1] = {0}, want[64];
        struct tm tm;
        time_t when = (time_t)t;
        gmtime_r(&when, &tm);
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http_date_format(t, got);
        assert_string_equal(got, want);
    }
    char got[HTTP_DATE_BYTES + 1] = {0};
    http_date_format(-5, got);
    assert_string_equal(got, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_date_format(INT64_MAX, got);
    assert_string_equal(got, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void test_via_loop(void **state)
{
    (void)state;
    static const struct {
        const char *via;
        bool want;
    } cases[] = {
        {"1.1 p.test", true},
        {"1.0 a, 1.1 P.Test", true},
        {"HTTP/1.1 p.test (Squid)", true},
        {"1.1  p.test", true},
        {"1.1 p.test.evil", false},
        {"1.1 xp.test", false},
        {"1.1 a (1.1 p.test)", false},
        {"p.test", false},
        {"1.1 a, 1.1 b", false},
        {"1.1 p.test(x)", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text, ABS "Via: %s\r\n\r\n", cases[i].via);
        parse_request(text);
        if (http_head_via_has(&head, STR("p.test")) != cases[i].want)
            fail_msg("Via: %s", cases[i].via);
    }
}

static void test_connection(void **state)
{
    (void)state;
    static const struct {
        const char *why, *input;
        bool close, upgrade;
    } cases[] = {
        {"1.1 keeps", ABS "\r\n", false, false},
        {"1.1 close", ABS "Connection: close\r\n\r\n", true, false},
        {"1.1 close in a list and in capitals", ABS "Connection: x, CLOSE\r\n\r\n", true, false},
        {"1.0 closes", "GET http://a.test/ HTTP/1.0\r\n\r\n", true, false},
        {"1.0 keep-alive", "GET http://a.test/ HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false,
         false},
        {"1.0 both", "GET http://a.test/ HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", true,
         false},
        {"Proxy-Connection: close is heard", ABS "Proxy-Connection: close\r\n\r\n", true, false},
        {"Proxy-Connection: keep-alive is not",
         "GET http://a.test/ HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", true, false},
        {"upgrade", ABS "Connection: upgrade\r\nUpgrade: x\r\n\r\n", false, true},
        {"upgrade to HTTP/2", ABS "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", false, false},
        {"upgrade to one of two", ABS "Connection: upgrade\r\nUpgrade: a, b\r\n\r\n", false, false},
        {"upgrade not listed", ABS "Upgrade: x\r\n\r\n", false, false},
        {"upgrade without field", ABS "Connection: upgrade\r\n\r\n", false, false},
        {"upgrade in 1.0",
         "GET http://a.test/ HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        parse_request(cases[i].input);
        if (head.is_close != cases[i].close || head.wants_upgrade != cases[i].upgrade)
            fail_msg("%s: close %d upgrade %d", cases[i].why, head.is_close, head.wants_upgrade);
    }
}

static void test_listed(void **state)
{
    (void)state;
    parse_request(ABS "Connection: x-hop, host, cookie\r\nCookie: a\r\nX-Hop: b\r\n\r\n");
    assert_true(http_head_is_listed(&head, STR("X-HOP")));
    assert_false(http_head_is_listed(&head, STR("X-Other")));
    assert_false(http_head_is_listed(&head, STR("Host")));
    assert_false(http_head_is_listed(&head, STR("Cookie")));
}

static void test_targets(void **state)
{
    (void)state;
    parse_request("OPTIONS * HTTP/1.1\r\nHost: a.test:81\r\nMax-Forwards: 0\r\n\r\n");
    assert_int_equal(head.form, HTTP_FORM_ASTERISK);
    assert_true(head.has_max_forwards);
    assert_int_equal(head.max_forwards, 0);
    assert_int_equal(head.url.port, 81);
    parse_request("GET /x?y HTTP/1.1\r\nHost: A.test\r\n\r\n");
    assert_int_equal(head.form, HTTP_FORM_ORIGIN);
    assert_string_equal(head.url.host.text, "a.test");
    assert_int_equal(head.url.port, 80);
    assert_true(str_eq(head.url.path_query, STR("/x?y")));
    parse_request("GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(head.url.host.n, 0);
    parse_request("CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_int_equal(head.method, HTTP_CONNECT);
    assert_string_equal(head.url.host.text, "127.0.0.1");
    assert_int_equal(head.url.scheme, URL_HTTPS);
    parse_request("POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: "
                  "100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_true(head.expects_continue);
    parse_request(
        "POST http://a.test/ HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_false(head.expects_continue);
}

/* Bounds are those that were set, to the byte. */
static void test_limits(void **state)
{
    (void)state;
    static const char text[] = ABS "A: b\r\nB: c\r\n\r\n";
    const size_t n = sizeof text - 1;
    static const struct {
        const char *why;
        struct http_limits limits;
        const char *want;
    } cases[] = {
        {"all fits exactly", {sizeof text - 1, 29, 15, 3}, NULL},
        {"head one byte over", {sizeof text - 2, 100, 100, 10}, "head-too-large"},
        {"line over", {1000, 19, 100, 10}, "target-too-long"},
        {"field over", {1000, 100, 12, 10}, "field-too-long"},
        {"one field too many", {1000, 100, 100, 2}, "too-many-fields"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_refusal why = {0, NULL};
        http_head_init_request(&head, &cases[i].limits);
        enum err e = http_head_parse(&head, str_make(text, n), &why);
        if (!cases[i].want ? e != OK : !why.reason || strcmp(why.reason, cases[i].want) != 0)
            fail_msg("%s: %s %s", cases[i].why, err_name(e), why.reason ? why.reason : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),    cmocka_unit_test(test_responses),
        cmocka_unit_test(test_lent_buffer), cmocka_unit_test(test_replies),
        cmocka_unit_test(test_dates),       cmocka_unit_test(test_via_loop),
        cmocka_unit_test(test_connection),  cmocka_unit_test(test_targets),
        cmocka_unit_test(test_listed),      cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
