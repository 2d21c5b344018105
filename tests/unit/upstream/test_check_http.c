/* check_http: what is asked of a parent, and which answers will do, cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "proxyd/upstream/check_http.h"

static void ask(const char *url, enum parent_line line, const char *login, struct str want)
{
    char out[CHECK_HTTP_ASK];
    struct parent_check how = {.is_http = true, .url = str_of(url)};
    struct parent_member m = {
        .text = STR("hq/p.test:3128"), .line = line, .authorization = str_of(login)};
    size_t n = check_http_question(&how, &m, out);
    if (!str_eq(str_make(out, n), want))
        fail_msg("%.*s", (int)n, out);
}

static void questions(void **state)
{
    (void)state;
    ask("", PARENT_LINE_OFF, "",
        STR("OPTIONS * HTTP/1.1\r\nHost: p.test:3128\r\nMax-Forwards: 0\r\n"
            "Connection: close\r\n\r\n"));
    ask("http://x.test:81/ok?a", PARENT_LINE_V1, "Basic dTpw",
        STR("PROXY UNKNOWN\r\nGET http://x.test:81/ok?a HTTP/1.1\r\nHost: x.test:81\r\n"
            "Proxy-Authorization: Basic dTpw\r\nConnection: close\r\n\r\n"));
    ask("http://x.test", PARENT_LINE_V2, "",
        STR("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0GET http://x.test HTTP/1.1\r\nHost: x.test\r\n"
            "Connection: close\r\n\r\n"));
    ask("http://x.test?q=/", PARENT_LINE_OFF, "",
        STR("GET http://x.test?q=/ HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n"));
}

static const struct {
    const char *answer;
    enum err any, good;
} answers[] = {
    {"HTTP/1.1 200 OK\r\n\r\n", OK, OK},
    {"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n", OK, OK},
    {"HTTP/1.1 407 Login\r\nContent-Length: 3\r\n\r\n", OK, ERR_DENIED},
    {"HTTP/1.1 503 No\r\n\r\n", OK, ERR_DENIED},
    {"SSH-2.0-x\r\n\r\n", ERR_INVALID, ERR_INVALID},
    {"HTTP/1.1 2000 OK\r\n\r\n", ERR_INVALID, ERR_INVALID},
};

static enum err judge(const char *answer, size_t n, bool wants_good)
{
    struct http_head h;
    http_head_init_response(&h, NULL);
    return check_http_judge(&h, str_make(answer, n), wants_good);
}

static void judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t n = strlen(answers[i].answer);
        assert_int_equal(judge(answers[i].answer, n, false), answers[i].any);
        assert_int_equal(judge(answers[i].answer, n, true), answers[i].good);
        for (size_t cut = 0; cut < n; cut++) {
            enum err e = judge(answers[i].answer, cut, true);
            assert_true(e == ERR_AGAIN || (e == ERR_INVALID && answers[i].any == ERR_INVALID));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions),
        cmocka_unit_test(judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
