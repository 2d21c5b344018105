/* hops and probe: equal requests that pile up, from many threads; a token that is taken once. */
#include "proxyd/flow/hops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include <stdio.h>
#include <stdlib.h>

#include "proxyd/flow/context.h"
#include "proxyd/flow/probe.h"

static void test_the_bound(void **state)
{
    (void)state;
    struct hops *h = NULL;
    assert_int_equal(hops_new(&h), OK);
    for (int round = 0; round < 3; round++) { /* what has left is not counted */
        for (int i = 0; i < HOPS_MAX; i++)
            assert_true(hops_enter(h, 42));
        assert_false(hops_enter(h, 42));
        assert_true(hops_enter(h, UINT64_C(42) << 32 | 43)); /* another one, whatever it shares */
        hops_leave(h, UINT64_C(42) << 32 | 43);
        for (int i = 0; i < HOPS_MAX; i++)
            hops_leave(h, 42);
    }
    hops_free(h);
    hops_free(NULL);
}

/* Both rows must be full: sharing one counter with a pile is no loop. */
static void test_half_a_collision(void **state)
{
    (void)state;
    struct hops *h = NULL;
    assert_int_equal(hops_new(&h), OK);
    for (int i = 0; i < HOPS_MAX; i++)
        assert_true(hops_enter(h, UINT64_C(7) << 32 | 9));
    assert_true(hops_enter(h, UINT64_C(8) << 32 | 9));
    assert_true(hops_enter(h, UINT64_C(7) << 32 | 10));
    assert_false(hops_enter(h, UINT64_C(7) << 32 | 9));
    hops_free(h);
}

static void *in_and_out(void *arg)
{
    for (int i = 0; i < 20000; i++)
        if (hops_enter(arg, (uint64_t)i % 7))
            hops_leave(arg, (uint64_t)i % 7);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct hops *h = NULL;
    pthread_t t[4];
    assert_int_equal(hops_new(&h), OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, in_and_out, h), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < HOPS_MAX; i++)
        assert_true(hops_enter(h, 3)); /* nothing was left behind */
    assert_false(hops_enter(h, 3));
    hops_free(h);
}

static void test_one_probe_waits(void **state)
{
    (void)state;
    struct probe p;
    char first[PROBE_TOKEN_BYTES], second[PROBE_TOKEN_BYTES];
    struct probe_order o = {.listener = 1, .echo = {.port = 9}, .now_ms = 1000, .until_ms = 2000};
    probe_init(&p);
    assert_int_equal(probe_arm(&p, &o, first), OK);
    assert_int_equal(probe_arm(&p, &o, second), ERR_BUSY);
    memset(second, 'x', sizeof second);
    probe_disarm(&p, second); /* not theirs */
    assert_true(p.is_armed);
    o.now_ms = 2000; /* the first is over by then, whether it came or not */
    o.until_ms = 3000;
    assert_int_equal(probe_arm(&p, &o, second), OK);
    assert_memory_not_equal(first, second, sizeof first);
    probe_disarm(&p, first);
    assert_true(p.is_armed);
    probe_disarm(&p, second);
    assert_false(p.is_armed);
    probe_fini(&p);
}

struct asked {
    const char *why, *method, *behind;
    int port, listener, now_ms, spoiled;
    bool want;
};

/* Is what asks in this way taken? */
static bool is_taken(struct probe *p, const char token[PROBE_TOKEN_BYTES], const struct asked *a)
{
    char at[200], text[500], mine[PROBE_TOKEN_BYTES];
    struct ip_port to;
    struct http_refusal why;
    struct worker *w = calloc(1, sizeof *w);
    struct work *k = calloc(1, sizeof *k);
    struct conn c = {.listener = (uint16_t)a->listener};
    struct request r = {.w = w, .conn = &c, .k = k};
    bool is_connect = strcmp(a->method, "CONNECT") == 0;
    memcpy(mine, token, sizeof mine);
    if (a->spoiled >= 0)
        mine[a->spoiled] = mine[a->spoiled] == '0' ? '1' : '0';
    if (is_connect)
        snprintf(at, sizeof at, "%.*s%s." PROBE_HOST ":%d", PROBE_TOKEN_BYTES, mine, a->behind,
                 a->port);
    else
        snprintf(at, sizeof at, PROBE_HOST ":%d", a->port);
    if (is_connect)
        snprintf(text, sizeof text, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", at, at);
    else
        snprintf(text, sizeof text, "%s http://%s/%.*s%s HTTP/1.1\r\nHost: %s\r\n\r\n", a->method,
                 at, PROBE_TOKEN_BYTES, mine, a->behind, at);
    http_head_init_request(&k->req, NULL);
    assert_int_equal(http_head_parse(&k->req, str_of(text), &why), OK);
    k->host = host_str(&k->req.url.host);
    w->loop.now_ms = a->now_ms;
    bool is_it = probe_take(p, &r, &to);
    if (is_it)
        assert_int_equal(to.port, 4711);
    free(k);
    free(w);
    return is_it;
}

/* Who has not the token, the listener, the port and the time gets nothing; who has, gets it once.
 */
static void test_the_token(void **state)
{
    (void)state;
    static const struct asked rows[] = {
        {"one digit is another", "GET", "", 4711, 1, 1000, 31, false},
        {"the first digit is", "GET", "", 4711, 1, 1000, 0, false},
        {"another listener", "GET", "", 4711, 2, 1000, -1, false},
        {"another port", "GET", "", 4712, 1, 1000, -1, false},
        {"too late", "GET", "", 4711, 1, 2000, -1, false},
        {"more behind it", "GET", "/", 4711, 1, 1000, -1, false},
        {"a tunnel with one digit another", "CONNECT", "", 4711, 1, 1000, 5, false},
        {"a tunnel at another port", "CONNECT", "", 4712, 1, 1000, -1, false},
        {"a tunnel with more behind it", "CONNECT", ".x", 4711, 1, 1000, -1, false},
        {"it", "GET", "", 4711, 1, 1999, -1, true},
        {"it, again", "GET", "", 4711, 1, 1000, -1, false},
        {"it, again as a tunnel", "CONNECT", "", 4711, 1, 1000, -1, false},
    };
    static const struct asked others[] = {{"a body", "POST", "", 4711, 1, 1000, -1, true},
                                          {"a tunnel", "CONNECT", "", 4711, 1, 1000, -1, true}};
    struct probe p;
    char token[PROBE_TOKEN_BYTES];
    struct probe_order o = {.listener = 1, .echo = {.port = 4711}, .until_ms = 2000};
    probe_init(&p);
    assert_int_equal(probe_arm(&p, &o, token), OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (is_taken(&p, token, &rows[i]) != rows[i].want)
            fail_msg("%s", rows[i].why);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(probe_arm(&p, &o, token), OK);
        if (!is_taken(&p, token, &others[i]) || is_taken(&p, token, &others[i]))
            fail_msg("%s", others[i].why);
    }
    probe_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bound), cmocka_unit_test(test_half_a_collision),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_one_probe_waits),
        cmocka_unit_test(test_the_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
