/* pump: against streams of memory that give and take a few bytes at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proxyd/io/pump.h"

struct fake {
    struct stream s;
    const char *in; /* what reading gives */
    size_t n_in, at, piece;
    enum err in_end; /* after the last byte */
    char out[4096];  /* what was written */
    size_t n_out, budget;
    bool is_broken;
};

static enum err fake_read(struct stream *s, void *p, size_t room, size_t *n)
{
    struct fake *f = (struct fake *)(void *)s;
    if (f->at == f->n_in) {
        if (f->in_end == ERR_AGAIN)
            s->ready &= ~(unsigned)STREAM_READABLE;
        return f->in_end;
    }
    size_t k = f->n_in - f->at;
    k = k < f->piece ? k : f->piece;
    k = k < room ? k : room;
    memcpy(p, f->in + f->at, k);
    f->at += k;
    *n = k;
    return OK;
}

static enum err fake_writev(struct stream *s, const struct iovec *v, int n_v, size_t *n)
{
    struct fake *f = (struct fake *)(void *)s;
    if (f->is_broken)
        return ERR_CLOSED;
    size_t put = 0;
    for (int i = 0; i < n_v; i++) {
        size_t k = v[i].iov_len < f->budget ? v[i].iov_len : f->budget;
        memcpy(f->out + f->n_out, v[i].iov_base, k);
        f->n_out += k;
        f->budget -= k;
        put += k;
    }
    if (put == 0) {
        s->ready &= ~(unsigned)STREAM_WRITABLE;
        return ERR_AGAIN;
    }
    *n = put;
    return OK;
}

static const struct stream_ops fake_ops = {.read = fake_read, .writev = fake_writev};

struct bench {
    struct fake from, to;
    struct bufpool pool;
    struct pump p;
    size_t left;         /* of the gate's message */
    size_t n_last, last; /* how often the end was told before it went, and of how many bytes */
};

static void set_up(struct bench *b, const char *in, enum err in_end)
{
    memset(b, 0, sizeof *b);
    bufpool_init(&b->pool, 4);
    b->from.s.ops = b->to.s.ops = &fake_ops;
    b->from.s.ready = b->to.s.ready = STREAM_READABLE | STREAM_WRITABLE;
    b->from.in = in;
    b->from.n_in = strlen(in);
    b->from.piece = 3;
    b->from.in_end = in_end;
    b->to.budget = sizeof b->to.out;
    b->p = (struct pump){.from = &b->from.s, .to = &b->to.s, .pool = &b->pool};
}

static void tear_down(struct bench *b)
{
    pump_release(&b->p);
    bufpool_fini(&b->pool);
}

static void assert_out(const struct bench *b, const char *want)
{
    assert_int_equal(b->to.n_out, strlen(want));
    assert_memory_equal(b->to.out, want, strlen(want));
}

static enum err take(void *ctx, struct str bytes, size_t *n)
{
    struct bench *b = ctx;
    if (bytes.n && bytes.p[0] == '!')
        return ERR_INVALID;
    *n = bytes.n < b->left ? bytes.n : b->left;
    b->left -= *n;
    return b->left ? ERR_AGAIN : OK;
}
static enum err eof(void *ctx)
{
    struct bench *b = ctx;
    return b->left ? ERR_CLOSED : OK;
}
static const struct pump_gate gate = {.take = take, .eof = eof};

static void last(void *ctx, size_t n)
{
    struct bench *b = ctx;
    b->n_last++;
    b->last = n;
    assert_int_equal(b->to.n_out + n, 5);
}
static const struct pump_gate telling_gate = {.take = take, .eof = eof, .last = last};

/* Capital letters go on, the others are taken out; '.' is the end. */
static enum err rewrite(void *ctx, char *p, size_t n, size_t *n_out, size_t *n_used)
{
    (void)ctx;
    *n_out = *n_used = 0;
    while (*n_used < n) {
        char c = p[(*n_used)++];
        if (c == '.')
            return OK;
        if (c >= 'A' && c <= 'Z')
            p[(*n_out)++] = c;
    }
    return ERR_AGAIN;
}
static const struct pump_gate sieve = {.rewrite = rewrite, .eof = eof};

static void everything_passes_until_the_end(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "hello, world", ERR_EOF);
    assert_int_equal(pump_run(&b.p), PUMP_END);
    assert_out(&b, "hello, world");
    assert_false(pump_holds(&b.p));
    tear_down(&b);
}

static void waiting_holds_no_buffer(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "part", ERR_AGAIN);
    assert_int_equal(pump_run(&b.p), PUMP_WAIT_READ);
    assert_out(&b, "part");
    assert_false(pump_holds(&b.p));
    tear_down(&b);
}

static void a_slow_sink_holds_the_source(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "0123456789", ERR_EOF);
    b.to.budget = 4;
    assert_int_equal(pump_run(&b.p), PUMP_WAIT_WRITE);
    size_t at = b.from.at;
    assert_int_equal(pump_run(&b.p), PUMP_WAIT_WRITE);
    assert_int_equal(b.from.at, at);
    b.to.budget = 100;
    b.to.s.ready |= STREAM_WRITABLE;
    assert_int_equal(pump_run(&b.p), PUMP_END);
    assert_out(&b, "0123456789");
    tear_down(&b);
}

static void the_lead_goes_first(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "body", ERR_EOF);
    b.p.lead = bufpool_small(&b.pool);
    memcpy(b.p.lead->bytes, "head:", 5);
    b.p.lead->end = 5;
    for (int i = 0; i < 20 && b.to.n_out < 9; i++) {
        b.to.budget = 1;
        b.to.s.ready |= STREAM_WRITABLE;
        (void)pump_run(&b.p);
    }
    assert_out(&b, "head:body");
    assert_int_equal(b.p.n_out, 9);
    tear_down(&b);
}

static void the_gate_ends_the_message(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "0123456789", ERR_EOF);
    b.p.gate = &gate;
    b.p.gate_ctx = &b;
    b.left = 5;
    b.from.piece = 100;
    assert_int_equal(pump_run(&b.p), PUMP_END);
    assert_out(&b, "01234");
    assert_true(str_eq(pump_surplus(&b.p), STR("56789")));
    tear_down(&b);
}

static void the_end_is_told_before_it_goes(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "0123456789", ERR_EOF);
    b.p.gate = &telling_gate;
    b.p.gate_ctx = &b;
    b.left = 5;
    b.to.budget = 4; /* pieces of 3: the end is in hand with the second */
    assert_int_equal(pump_run(&b.p), PUMP_WAIT_WRITE);
    assert_true(b.n_last == 1 && b.last == 2);
    assert_int_equal(pump_run(&b.p), PUMP_WAIT_WRITE); /* the sink takes nothing: nothing to tell */
    assert_int_equal(b.n_last, 1);
    b.to.budget = 100;
    b.to.s.ready |= STREAM_WRITABLE;
    assert_int_equal(pump_run(&b.p), PUMP_END);
    assert_true(b.n_last == 2 && b.last == 1);
    assert_out(&b, "01234");
    tear_down(&b);
    set_up(&b, "", ERR_EOF); /* a source that ends: what was written was not known to be the last */
    b.p.gate = &telling_gate;
    b.p.gate_ctx = &b;
    assert_int_equal(pump_run(&b.p), PUMP_END);
    assert_int_equal(b.n_last, 0);
    tear_down(&b);
}

static void a_cut_message_is_told(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "0123", ERR_EOF);
    b.p.gate = &gate;
    b.p.gate_ctx = &b;
    b.left = 5;
    assert_int_equal(pump_run(&b.p), PUMP_CUT);
    assert_out(&b, "0123");
    tear_down(&b);
    set_up(&b, "0123", ERR_CLOSED);
    assert_int_equal(pump_run(&b.p), PUMP_CUT);
    tear_down(&b);
}

static void refused_bytes_do_not_pass(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "abc!ef", ERR_EOF);
    b.p.gate = &gate;
    b.p.gate_ctx = &b;
    b.left = 50;
    assert_int_equal(pump_run(&b.p), PUMP_BAD);
    assert_out(&b, "abc");
    tear_down(&b);
}

static void a_rewriting_gate(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 12; piece++) {
        struct bench b;
        set_up(&b, "aBcDe-F.tail", ERR_EOF);
        b.p.gate = &sieve;
        b.p.gate_ctx = &b;
        b.from.piece = piece;
        assert_int_equal(pump_run(&b.p), PUMP_END);
        assert_out(&b, "BDF");
        tear_down(&b);
    }
}

static void a_broken_sink(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "abc", ERR_EOF);
    b.to.is_broken = true;
    assert_int_equal(pump_run(&b.p), PUMP_LOST);
    tear_down(&b);
}

/* What comes behind the message belongs to somebody else, also when the message is lost. */
static void a_broken_sink_and_surplus(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "messageNEXT", ERR_AGAIN);
    b.from.piece = 100;
    b.p.gate = &gate;
    b.p.gate_ctx = &b;
    b.left = 7;
    b.to.is_broken = true;
    assert_int_equal(pump_run(&b.p), PUMP_LOST);
    pump_forget(&b.p);
    assert_true(str_eq(pump_surplus(&b.p), STR("NEXT")));
    assert_int_equal(b.p.n_passed, 0);
    pump_release(&b.p);
    pump_forget(&b.p); /* harmless on nothing */
    assert_false(pump_holds(&b.p));
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_passes_until_the_end),
        cmocka_unit_test(waiting_holds_no_buffer),
        cmocka_unit_test(a_slow_sink_holds_the_source),
        cmocka_unit_test(the_lead_goes_first),
        cmocka_unit_test(the_gate_ends_the_message),
        cmocka_unit_test(the_end_is_told_before_it_goes),
        cmocka_unit_test(a_cut_message_is_told),
        cmocka_unit_test(refused_bytes_do_not_pass),
        cmocka_unit_test(a_rewriting_gate),
        cmocka_unit_test(a_broken_sink),
        cmocka_unit_test(a_broken_sink_and_surplus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
