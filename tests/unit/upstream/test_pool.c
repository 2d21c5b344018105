/* pool: the newest of the right host, bounds, expiry by a clock that is set, and dead ones leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "proxyd/upstream/pool.h"

struct bench {
    struct clock clock;
    struct loop loop;
    struct pool pool;
};
static const struct pool_limits limits = {4, 2, 1000};

static void set_up(struct bench *b)
{
    clock_init_fake(&b->clock, 1000, 0);
    assert_int_equal(loop_open(&b->loop, &b->clock), OK);
    pool_init(&b->pool, &b->loop, 1);
}

static void tear_down(struct bench *b)
{
    pool_fini(&b->pool);
    loop_close(&b->loop);
}

/* A connection to this host; the other end is *peer. */
static struct upstream *make(struct bench *b, const char *host, uint16_t port, int *peer)
{
    int fds[2];
    struct upstream *u;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *peer = fds[1];
    struct upstream_target to = {.host = str_of(host), .port = port};
    assert_int_equal(pool_new(&b->pool, fds[0], &to, &u), OK);
    return u;
}

static void lanes_share_nothing(void **state)
{
    (void)state;
    struct bench b;
    int fds[2];
    struct upstream *u;
    set_up(&b);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    struct upstream_target to = {.host = STR("a.test"), .port = 80, .lane = 7};
    assert_int_equal(pool_new(&b.pool, fds[0], &to, &u), OK);
    pool_put(&b.pool, u, &limits);
    assert_null(pool_take(&b.pool, STR("a.test"), 80, 0));
    assert_null(pool_take(&b.pool, STR("a.test"), 80, 9));
    assert_ptr_equal(pool_take(&b.pool, STR("a.test"), 80, 7), u);
    pool_drop(&b.pool, u);
    close(fds[1]);
    tear_down(&b);
}

static void newest_of_the_same_host_and_port(void **state)
{
    (void)state;
    struct bench b;
    int peers[3];
    set_up(&b);
    struct upstream *x = make(&b, "a.test", 80, &peers[0]), *y = make(&b, "a.test", 80, &peers[1]),
                    *z = make(&b, "a.test", 81, &peers[2]);
    pool_put(&b.pool, x, &limits);
    pool_put(&b.pool, y, &limits);
    pool_put(&b.pool, z, &limits);
    assert_null(pool_take(&b.pool, STR("b.test"), 80, 0));
    assert_ptr_equal(pool_take(&b.pool, STR("a.test"), 80, 0), y);
    assert_ptr_equal(pool_take(&b.pool, STR("a.test"), 80, 0), x);
    assert_null(pool_take(&b.pool, STR("a.test"), 80, 0));
    pool_drop(&b.pool, x);
    pool_drop(&b.pool, y);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    tear_down(&b);
}

static void bounds(void **state)
{
    (void)state;
    struct bench b;
    int peers[8];
    set_up(&b);
    for (int i = 0; i < 3; i++) /* two of one host */
        pool_put(&b.pool, make(&b, "a.test", 80, &peers[i]), &limits);
    assert_int_equal(b.pool.n_idle, 2);
    for (int i = 3; i < 8; i++) { /* four in all, the oldest go */
        char name[] = "h0.test";
        name[1] = (char)('0' + i);
        pool_put(&b.pool, make(&b, name, 80, &peers[i]), &limits);
    }
    assert_int_equal(b.pool.n_idle, 4);
    assert_null(pool_take(&b.pool, STR("a.test"), 80, 0));
    assert_null(pool_take(&b.pool, STR("h3.test"), 80, 0));
    for (int i = 0; i < 8; i++)
        close(peers[i]);
    tear_down(&b);
}

static void the_dead_and_the_talkative_leave(void **state)
{
    (void)state;
    struct bench b;
    int peers[3];
    set_up(&b);
    pool_put(&b.pool, make(&b, "a.test", 80, &peers[0]), &limits);
    pool_put(&b.pool, make(&b, "b.test", 80, &peers[1]), &limits);
    pool_put(&b.pool, make(&b, "c.test", 80, &peers[2]), &limits);
    close(peers[0]);
    assert_int_equal(write(peers[1], "x", 1), 1);
    assert_int_equal(loop_turn(&b.loop, 0), OK);
    assert_int_equal(b.pool.n_idle, 1);
    assert_null(pool_take(&b.pool, STR("a.test"), 80, 0));
    struct upstream *u = pool_take(&b.pool, STR("c.test"), 80, 0);
    assert_non_null(u);
    /* one that has spoken while it was in use is not kept either */
    assert_int_equal(write(peers[2], "x", 1), 1);
    u->fd.s.ready |= STREAM_READABLE;
    pool_put(&b.pool, u, &limits);
    assert_int_equal(b.pool.n_idle, 0);
    close(peers[1]);
    close(peers[2]);
    tear_down(&b);
}

static void expiry(void **state)
{
    (void)state;
    struct bench b;
    int peers[2];
    set_up(&b);
    pool_put(&b.pool, make(&b, "a.test", 80, &peers[0]), &limits);
    b.clock.fake_mono_ms += 600;
    assert_int_equal(loop_turn(&b.loop, 0), OK);
    pool_put(&b.pool, make(&b, "b.test", 80, &peers[1]), &limits);
    b.clock.fake_mono_ms += 600;
    assert_int_equal(loop_turn(&b.loop, 0), OK);
    assert_int_equal(b.pool.n_idle, 1);
    b.clock.fake_mono_ms += 600;
    assert_int_equal(loop_turn(&b.loop, 0), OK);
    assert_int_equal(b.pool.n_idle, 0);
    close(peers[0]);
    close(peers[1]);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_share_nothing),
        cmocka_unit_test(newest_of_the_same_host_and_port),
        cmocka_unit_test(bounds),
        cmocka_unit_test(the_dead_and_the_talkative_leave),
        cmocka_unit_test(expiry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
