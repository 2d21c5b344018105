/* guard: every leniency of libmicrohttpd that field notes name, as a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "adminui/guard.h"

/* A field of literals; a static table cannot hold STR(). */
#define F(n, v)                                                                                    \
    {                                                                                              \
        {n, sizeof(n) - 1},                                                                        \
        {                                                                                          \
            v, sizeof(v) - 1                                                                       \
        }                                                                                          \
    }
#define MAX 8

static const struct row {
    const char *why, *method, *version, *uri;
    struct guard_field fields[MAX];
    size_t n;
    unsigned status;
} rows[] = {
    {"plain", "GET", "HTTP/1.1", "/api/v1/me?x=1", {F("Host", "localhost:8443")}, 1, 0},
    {"1.0 with a host", "GET", "HTTP/1.0", "/", {F("Host", "localhost:8443")}, 1, 0},
    {"host in other case", "GET", "HTTP/1.1", "/", {F("Host", "LOCALHOST:8443")}, 1, 0},
    {"post with length",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Content-Length", "12")},
     2,
     0},
    {"two lengths",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Content-Length", "1"), F("Content-Length", "1")},
     3,
     400},
    {"length list",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Content-Length", "1, 1")},
     2,
     400},
    {"length with sign",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Content-Length", "+1")},
     2,
     400},
    {"length too long",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Content-Length", "99999999999999999999")},
     2,
     400},
    {"length and coding",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Content-Length", "1"), F("Transfer-Encoding", "chunked")},
     3,
     400},
    {"coding alone",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("transfer-encoding", "chunked")},
     2,
     400},
    {"unknown coding",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Transfer-Encoding", "gzip, chunked")},
     2,
     400},
    {"compressed body",
     "POST",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Content-Length", "1"), F("Content-Encoding", "gzip")},
     3,
     415},
    {"body on GET",
     "GET",
     "HTTP/1.1",
     "/x",
     {F("Host", "localhost:8443"), F("Content-Length", "5")},
     2,
     400},
    {"no host", "GET", "HTTP/1.1", "/", {F("Accept", "*/*")}, 1, 400},
    {"two hosts",
     "GET",
     "HTTP/1.1",
     "/",
     {F("Host", "localhost:8443"), F("Host", "localhost:8443")},
     2,
     400},
    {"foreign host", "GET", "HTTP/1.1", "/", {F("Host", "evil.example:8443")}, 1, 421},
    {"host without port", "GET", "HTTP/1.1", "/", {F("Host", "localhost")}, 1, 421},
    {"host with dot", "GET", "HTTP/1.1", "/", {F("Host", "localhost.:8443")}, 1, 421},
    {"space in a field name",
     "GET",
     "HTTP/1.1",
     "/",
     {F("Host", "localhost:8443"), F("X Y", "1")},
     2,
     400},
    {"control byte in a value",
     "GET",
     "HTTP/1.1",
     "/",
     {F("Host", "localhost:8443"), F("X", "a\x01")},
     2,
     400},
    {"two cookies fields",
     "GET",
     "HTTP/1.1",
     "/",
     {F("Host", "localhost:8443"), F("Cookie", "a=1"), F("Cookie", "b=1")},
     3,
     400},
    {"HTTP/1.9", "GET", "HTTP/1.9", "/", {F("Host", "localhost:8443")}, 1, 400},
    {"HTTP/2.0", "GET", "HTTP/2.0", "/", {F("Host", "localhost:8443")}, 1, 400},
    {"connect", "CONNECT", "HTTP/1.1", "a:443", {F("Host", "localhost:8443")}, 1, 400},
    {"trace", "TRACE", "HTTP/1.1", "/", {F("Host", "localhost:8443")}, 1, 400},
    {"lower-case method", "get", "HTTP/1.1", "/", {F("Host", "localhost:8443")}, 1, 400},
    {"absolute form",
     "GET",
     "HTTP/1.1",
     "http://localhost:8443/",
     {F("Host", "localhost:8443")},
     1,
     400},
    {"asterisk", "OPTIONS", "HTTP/1.1", "*", {F("Host", "localhost:8443")}, 1, 400},
    {"%00", "GET", "HTTP/1.1", "/f%00g", {F("Host", "localhost:8443")}, 1, 400},
    {"%2f", "GET", "HTTP/1.1", "/a%2fb", {F("Host", "localhost:8443")}, 1, 400},
    {"%5C", "GET", "HTTP/1.1", "/a%5Cb", {F("Host", "localhost:8443")}, 1, 400},
    {"backslash", "GET", "HTTP/1.1", "/a\\b", {F("Host", "localhost:8443")}, 1, 400},
    {"dot-dot", "GET", "HTTP/1.1", "/a/../b", {F("Host", "localhost:8443")}, 1, 400},
    {"encoded dot-dot", "GET", "HTTP/1.1", "/a/%2e%2E/b", {F("Host", "localhost:8443")}, 1, 400},
    {"dot", "GET", "HTTP/1.1", "/a/./b", {F("Host", "localhost:8443")}, 1, 400},
    {"dot at the end", "GET", "HTTP/1.1", "/a/..", {F("Host", "localhost:8443")}, 1, 400},
    {"dots in a name", "GET", "HTTP/1.1", "/a/b..c/...", {F("Host", "localhost:8443")}, 1, 0},
    {"empty segment", "GET", "HTTP/1.1", "//a", {F("Host", "localhost:8443")}, 1, 400},
    {"bad triplet", "GET", "HTTP/1.1", "/a%g0", {F("Host", "localhost:8443")}, 1, 400},
    {"cut triplet", "GET", "HTTP/1.1", "/a%2", {F("Host", "localhost:8443")}, 1, 400},
    {"control in path", "GET", "HTTP/1.1", "/a%0d", {F("Host", "localhost:8443")}, 1, 400},
    {"raw 8 bit", "GET", "HTTP/1.1", "/\xc3\xa4", {F("Host", "localhost:8443")}, 1, 400},
    {"encoded 8 bit", "GET", "HTTP/1.1", "/%c3%a4", {F("Host", "localhost:8443")}, 1, 0},
    {"zero byte in query", "GET", "HTTP/1.1", "/a?x=%00", {F("Host", "localhost:8443")}, 1, 400},
    {"fragment", "GET", "HTTP/1.1", "/a#b", {F("Host", "localhost:8443")}, 1, 400},
};

static void test_rows(void **state)
{
    (void)state;
    static const struct str hosts[] = {{"localhost:8443", 14}, {"127.0.0.1:8443", 14}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct guard_input in = {.method = str_of(r->method),
                                 .version = str_of(r->version),
                                 .uri = str_of(r->uri),
                                 .fields = r->fields,
                                 .n_fields = r->n,
                                 .hosts = hosts,
                                 .n_hosts = 2};
        struct guard_verdict v;
        guard_check(&in, &v);
        if (v.status != r->status)
            fail_msg("%s: want %u, got %u (%s)", r->why, r->status, v.status,
                     v.detail ? v.detail : "");
        if (v.status)
            assert_non_null(v.slug);
    }
}

static void test_body_length(void **state)
{
    (void)state;
    struct guard_field f[] = {F("Host", "a"), F("Content-Length", "77")};
    struct guard_input in = {.method = STR("POST"),
                             .version = STR("HTTP/1.1"),
                             .uri = STR("/"),
                             .fields = f,
                             .n_fields = 2};
    struct guard_verdict v;
    guard_check(&in, &v);
    assert_int_equal(v.status, 0); /* no list of hosts: the unix socket takes any */
    assert_int_equal(v.body_bytes, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_body_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
