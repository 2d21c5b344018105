/* pump over sockets: what is large and need not be seen goes through pipes, and arrives the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxyd/io/pump.h"
#include "proxyd/io/stream_fd.h"

#define N 3000000

struct bench {
    struct clock clock;
    struct loop loop;
    struct stream_fd from, to;
    int server, client; /* the far ends: bytes are put into one and come out at the other */
    struct bufpool pool;
    struct pump p;
    uint64_t left; /* of the gate's message */
    size_t n_put, n_got;
    size_t n_whole, n_last; /* of the gate's message, and of its last bytes */
};

static char sent[N], got[N];

static void tcp_pair(int *a, int *b)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int l = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(l, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(l, 1), 0);
    assert_int_equal(getsockname(l, (struct sockaddr *)&at, &n), 0);
    *a = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(*a, (struct sockaddr *)&at, n), 0);
    *b = accept(l, NULL, NULL);
    assert_true(*b >= 0);
    close(l);
    assert_int_equal(fcntl(*a, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(*b, F_SETFL, O_NONBLOCK), 0);
}

static void on_ready(struct stream *s)
{
    (void)s;
}

static void set_up(struct bench *b, unsigned n_pipes)
{
    int near[2];
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < N; i++)
        sent[i] = (char)(i * 2654435761u >> 13);
    memset(got, 0, sizeof got);
    clock_init_real(&b->clock);
    assert_int_equal(loop_open(&b->loop, &b->clock), OK);
    tcp_pair(&b->server, &near[0]);
    tcp_pair(&b->client, &near[1]);
    assert_int_equal(stream_fd_open(&b->from, &b->loop, near[0]), OK);
    assert_int_equal(stream_fd_open(&b->to, &b->loop, near[1]), OK);
    b->from.s.on_ready = b->to.s.on_ready = on_ready;
    bufpool_init(&b->pool, 4);
    b->pool.pipes.n_most = n_pipes;
    b->p = (struct pump){.from = &b->from.s, .to = &b->to.s, .pool = &b->pool, .is_large = true};
}

static void tear_down(struct bench *b)
{
    pump_release(&b->p);
    bufpool_fini(&b->pool);
    stream_close(&b->from.s, false);
    stream_close(&b->to.s, false);
    close(b->client);
    if (b->server >= 0)
        close(b->server);
    loop_close(&b->loop);
}

static void put(struct bench *b, size_t upto)
{
    while (b->n_put < upto) {
        ssize_t n = send(b->server, sent + b->n_put, upto - b->n_put, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        b->n_put += (size_t)n;
    }
}

static void get(struct bench *b)
{
    ssize_t n;
    while (b->n_got < N && (n = recv(b->client, got + b->n_got, N - b->n_got, 0)) > 0)
        b->n_got += (size_t)n;
}

/* Feeds `upto` bytes, taking them at the other end, until the pump has an end or nothing moves. */
static enum pump_word run(struct bench *b, size_t upto, bool is_taken)
{
    enum pump_word word = PUMP_WAIT_READ;
    for (unsigned quiet = 0; quiet < 50;) {
        size_t before = b->n_put + b->n_got;
        put(b, upto);
        assert_int_equal(loop_turn(&b->loop, 1), OK);
        word = pump_run(&b->p);
        if (is_taken)
            get(b);
        if (word != PUMP_WAIT_READ && word != PUMP_WAIT_WRITE && word != PUMP_YIELD)
            break;
        quiet = b->n_put + b->n_got == before ? quiet + 1 : 0;
    }
    for (int i = 0; is_taken && i < 100 && b->n_got < b->p.n_out; i++) {
        get(b);
        usleep(1000);
    }
    return word;
}

static void assert_arrived(const struct bench *b, size_t n)
{
    assert_int_equal(b->n_got, n);
    assert_int_equal(b->p.n_out, n);
    assert_memory_equal(got, sent, n);
}

static enum err take(void *ctx, struct str bytes, size_t *n)
{
    struct bench *b = ctx;
    *n = bytes.n < b->left ? bytes.n : b->left;
    b->left -= *n;
    return b->left ? ERR_AGAIN : OK;
}
static uint64_t unseen(void *ctx)
{
    return ((struct bench *)ctx)->left;
}
static enum err passed(void *ctx, uint64_t n)
{
    struct bench *b = ctx;
    b->left -= n;
    return b->left ? ERR_AGAIN : OK;
}
static enum err eof(void *ctx)
{
    return ((struct bench *)ctx)->left ? ERR_CLOSED : OK;
}
static void last(void *ctx, size_t n)
{
    struct bench *b = ctx;
    if (b->n_last == 0)
        assert_int_equal(b->p.n_out + n, b->n_whole); /* told before any of them is written */
    b->n_last = n;
}
static const struct pump_gate gate = {
    .take = take, .unseen = unseen, .passed = passed, .eof = eof, .last = last};

static void a_large_tunnel_goes_by_pipes(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, 4);
    assert_int_equal(run(&b, N, true), PUMP_WAIT_READ);
    assert_arrived(&b, N);
    assert_true(b.pool.pipes.n_taken > 0);
    assert_false(pump_holds(&b.p)); /* idle again: it holds nothing */
    assert_int_equal(b.pool.pipes.n_out, 0);
    close(b.server);
    b.server = -1;
    assert_int_equal(run(&b, 0, true), PUMP_END);
    tear_down(&b);
}

static void small_bytes_are_copied(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, 4);
    for (size_t upto = 1000; upto <= 100000; upto += 1000)
        (void)run(&b, upto, true);
    assert_arrived(&b, 100000);
    assert_int_equal(b.pool.pipes.n_taken, 0);
    tear_down(&b);
}

static void without_pipes_all_is_copied(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, 0);
    assert_int_equal(run(&b, N, true), PUMP_WAIT_READ);
    assert_arrived(&b, N);
    assert_int_equal(b.pool.pipes.n_taken, 0);
    tear_down(&b);
}

/* The message's last byte is the last one taken: what stands behind it stays in the socket. */
static void a_length_ends_to_the_byte(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        struct bench b;
        set_up(&b, 4);
        b.p.gate = &gate;
        b.p.gate_ctx = &b;
        b.left = b.n_whole = 1000001;
        assert_int_equal(run(&b, 1000001 + extra * 4, true), PUMP_END);
        assert_arrived(&b, 1000001);
        assert_true(b.n_last > 0);
        assert_true(b.pool.pipes.n_taken > 0);
        char rest[8];
        struct str surplus = pump_surplus(&b.p);
        ssize_t in_socket = surplus.n ? 0 : recv(b.from.lf.fd, rest, sizeof rest, 0);
        size_t n = surplus.n + (in_socket > 0 ? (size_t)in_socket : 0);
        assert_int_equal(n, extra * 4);
        assert_memory_equal(surplus.n ? surplus.p : rest, sent + 1000001, n);
        tear_down(&b);
    }
}

static void a_cut_is_told(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, 4);
    b.p.gate = &gate;
    b.p.gate_ctx = &b;
    b.left = N;
    assert_int_equal(run(&b, 900000, true), PUMP_WAIT_READ);
    close(b.server);
    b.server = -1;
    assert_int_equal(run(&b, 0, true), PUMP_CUT);
    assert_arrived(&b, 900000);
    tear_down(&b);
}

static void a_slow_sink_holds_one_pipe(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, 4);
    b.p.gate = &gate;
    b.p.gate_ctx = &b;
    b.left = 400 * (uint64_t)N;
    enum pump_word word = PUMP_WAIT_READ;
    for (int i = 0; i < 400 && word != PUMP_WAIT_WRITE; i++) { /* fills the sink's socket */
        b.n_put = 0;
        word = run(&b, N, false);
    }
    assert_int_equal(word, PUMP_WAIT_WRITE);
    assert_true(pump_holds(&b.p));
    assert_int_equal(b.pool.pipes.n_out, 1);
    assert_true(b.p.pipe->n > 0);
    pump_forget(&b.p); /* what waits in it goes with it */
    assert_int_equal(b.pool.pipes.n_out, 0);
    assert_int_equal(b.pool.pipes.n_free, 0);
    tear_down(&b);
}

static void a_share_is_kept(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, 4);
    b.p.gate = &gate;
    b.p.gate_ctx = &b;
    b.left = N;
    put(&b, N);
    b.p.share_bytes = 100000;
    assert_int_equal(loop_turn(&b.loop, 100), OK);
    for (int turn = 0; turn < 3; turn++) {
        uint64_t before = b.p.n_out;
        assert_int_equal(pump_run(&b.p), PUMP_YIELD);
        assert_true(b.p.n_out - before >= 100000 && b.p.n_out - before < 100000 + BUFPOOL_LARGE);
    }
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_tunnel_goes_by_pipes),
        cmocka_unit_test(small_bytes_are_copied),
        cmocka_unit_test(without_pipes_all_is_copied),
        cmocka_unit_test(a_length_ends_to_the_byte),
        cmocka_unit_test(a_cut_is_told),
        cmocka_unit_test(a_slow_sink_holds_one_pipe),
        cmocka_unit_test(a_share_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
