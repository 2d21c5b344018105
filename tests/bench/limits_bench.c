/* limits_bench: what judging a request by the bounds costs, alone and with two threads at once on
 * accounts of their own and on the same one. A request: begin and end of client and user, with
 * every bound set. Prints nanoseconds of CPU a request. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proxyd/flow/limits.h"
#include "proxyd/flow/speed.h"

#define ROUNDS 20000000u
#define RUN(n) ((int64_t)(n)*ROUNDS) /* the time at which a run begins: buckets are full again */

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct job {
    struct limits *l;
    struct limits_account *client, *user;
    int64_t from_ms;
    double ns;
    bool is_shared;
};

static const struct traffic_bounds bounds = {
    .requests_s = 1000000, .burst = 1000000, .running = 1000, .tunnels = 1000, .connections = 1000};

/* Two threads are never at the same time here, and a bucket only knows one. */
static const struct traffic_bounds no_rate = {.running = 1000, .tunnels = 1000};

static void *judge(void *arg)
{
    struct job *j = arg;
    struct limits_ask q = {.bounds = j->is_shared ? &no_rate : &bounds, .total = 100000};
    uint32_t wait;
    unsigned n_refused = 0;
    double began = cpu_ns();
    for (unsigned i = 0; i < ROUNDS; i++) {
        q.now_ms = j->from_ms + i / 100;
        if (limits_begin(j->l, j->client, &q, &wait) != LIMITS_OK) {
            n_refused++;
            continue;
        }
        if (j->user && limits_begin_user(j->user, &q, &wait) == LIMITS_OK)
            limits_end_user(j->user);
        limits_end(j->l, j->client);
    }
    j->ns = (cpu_ns() - began) / ROUNDS;
    if (n_refused)
        printf("%u refused\n", n_refused);
    return NULL;
}

static struct limits_account *take(struct limits *l, enum limits_kind kind, uint8_t n)
{
    struct limits_key k = {.kind = kind, .text = str_make(&n, 1)};
    k.net.ip.b[15] = n;
    k.net.bits = 128;
    return limits_take(l, &k, 1000000);
}

static double two(struct limits *l, uint8_t other, int64_t from_ms)
{
    pthread_t t[2];
    struct job j[2] = {{l, take(l, LIMITS_CLIENT, 1), NULL, from_ms, 0, other == 1},
                       {l, take(l, LIMITS_CLIENT, other), NULL, from_ms, 0, other == 1}};
    for (int i = 0; i < 2; i++)
        if (pthread_create(&t[i], NULL, judge, &j[i]) != 0)
            abort();
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return (j[0].ns + j[1].ns) / 2;
}

static double accepts(struct limits *l)
{
    double began = cpu_ns();
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        struct limits_key k = {.kind = LIMITS_CLIENT};
        k.net.ip.b[14] = (uint8_t)(i >> 8);
        k.net.ip.b[15] = (uint8_t)i;
        k.net.bits = 128;
        struct limits_account *a = limits_take(l, &k, i);
        if (limits_enter(a, 1000) == OK)
            limits_leave(a);
        limits_give(l, a, i);
    }
    return (cpu_ns() - began) / (ROUNDS / 10);
}

int main(void)
{
    struct limits *l;
    if (limits_new(&l) != OK)
        return 1;
    struct job client = {l, take(l, LIMITS_CLIENT, 1), NULL, RUN(1), 0, false};
    struct job both = {l, take(l, LIMITS_CLIENT, 1), take(l, LIMITS_USER, 1), RUN(2), 0, false};
    judge(&client);
    judge(&both);
    double apart = two(l, 2, RUN(3)), same = two(l, 1, RUN(4));
    printf(
        "{\"bench\": \"limits\", \"client_ns\": %.1f, \"client_and_user_ns\": %.1f, "
        "\"two_threads_ns\": %.1f, \"two_threads_one_client_ns\": %.1f, \"connection_ns\": %.1f}\n",
        client.ns, both.ns, apart, same, accepts(l));
    limits_free(l);
    return 0;
}
