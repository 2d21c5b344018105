/* live: one thread for all tails. A tail whose buffer is full loses records and is told how many,
 * it never holds the others up. */
#include "adminui/live.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/api_log.h"
#include "adminui/app.h"
#include "adminui/export.h"
#include "adminui/outflow.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "base/diag.h"
#include "base/list.h"
#include "db/event_query.h"
#include "db/record_format.h"

#define TAIL_BYTES  (512u << 10)
#define EVENT_BYTES (128u << 10)
#define BATCH       2000

struct tail {
    struct list node;
    struct outflow *out;
    struct event_filter filter;
    uint64_t last_id;
    uint64_t n_dropped; /* since the browser was last told */
    int64_t ends_ms, heard_ms;
};

struct live {
    struct app *app;
    struct event_reader *events;
    struct exports *exports;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct list tails; /* the thread alone removes */
    unsigned n_tails;
    bool is_closing, is_started;
    pthread_t thread;
};

static void drop_tail(struct live *l, struct tail *t)
{
    list_remove(&t->node);
    l->n_tails--;
    outflow_end(t->out);
    outflow_unref(t->out);
    event_filter_fini(&t->filter);
    free(t);
}

static void tell_dropped(struct tail *t)
{
    char text[64];
    int n = snprintf(text, sizeof text, "event: dropped\ndata: {\"n\":%llu}\n\n",
                     (unsigned long long)t->n_dropped);
    if (outflow_try(t->out, str_make(text, (size_t)n)))
        t->n_dropped = 0;
}

static bool send_record(void *ctx, const struct record *r)
{
    struct tail *t = ctx;
    struct buf b;
    buf_init(&b, EVENT_BYTES);
    buf_addf(&b, "id: %llu\nevent: record\ndata: ", (unsigned long long)r->id);
    record_format_json(r, &b);
    buf_add_z(&b, "\n\n");
    if (t->n_dropped)
        tell_dropped(t);
    if (b.failed || t->n_dropped || !outflow_try(t->out, buf_str(&b)))
        t->n_dropped++;
    buf_fini(&b);
    return true;
}

/* False: the stream is over. */
static bool serve_tail(struct live *l, struct tail *t, int64_t now_ms)
{
    if (outflow_is_gone(t->out) || now_ms > t->ends_ms)
        return false;
    uint64_t before = t->last_id;
    struct event_tail ask = {.after = t->last_id, .limit = BATCH, .filter = &t->filter};
    struct event_emit emit = {send_record, t};
    enum err e = event_query_tail(l->events, &ask, &emit, &t->last_id);
    if (e != OK && e != ERR_NOT_FOUND)
        diag(DIAG_WARN, "live", "the day file cannot be read", "why", event_query_why(l->events),
             NULL);
    if (t->n_dropped)
        tell_dropped(t);
    if (t->last_id != before) {
        t->heard_ms = now_ms;
    } else if (now_ms - t->heard_ms >= LIVE_HEARTBEAT_MS) {
        (void)outflow_try(t->out, STR(": still here\n\n"));
        t->heard_ms = now_ms;
    }
    return true;
}

static void wait_a_bit(struct live *l)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)LIVE_POLL_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&l->change, &l->lock, &until);
}

static void *run(void *arg)
{
    struct live *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!l->is_closing) {
        if (list_empty(&l->tails)) {
            pthread_cond_wait(&l->change, &l->lock);
            continue;
        }
        int64_t now = clock_mono_ms(&l->app->clock);
        for (struct list *node = l->tails.next, *next; node != &l->tails; node = next) {
            struct tail *t = LIST_ENTRY(node, struct tail, node);
            next = node->next;
            if (!serve_tail(l, t, now))
                drop_tail(l, t);
        }
        wait_a_bit(l);
    }
    for (struct list *node = l->tails.next, *next; node != &l->tails; node = next) {
        next = node->next;
        drop_tail(l, LIST_ENTRY(node, struct tail, node));
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

enum err live_open(struct app *app, struct live **out)
{
    pthread_condattr_t monotonic;
    struct live *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->app = app;
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->change, &monotonic);
    pthread_condattr_destroy(&monotonic);
    list_init(&l->tails);
    enum err e = event_query_open(app->events_dir, &l->events);
    if (e == OK)
        e = exports_open(app, &l->exports);
    if (e == OK && pthread_create(&l->thread, NULL, run, l) != 0)
        e = ERR_NOMEM;
    if (e != OK) {
        live_close(l);
        return e;
    }
    l->is_started = true;
    *out = l;
    return OK;
}

void live_close(struct live *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_closing = true;
    pthread_cond_broadcast(&l->change);
    pthread_mutex_unlock(&l->lock);
    if (l->is_started)
        pthread_join(l->thread, NULL);
    exports_close(l->exports);
    event_query_close(l->events);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->change);
    free(l);
}

unsigned live_tails(struct live *l)
{
    pthread_mutex_lock(&l->lock);
    unsigned n = l->n_tails;
    pthread_mutex_unlock(&l->lock);
    return n;
}

/* Where the tail begins: behind Last-Event-ID, else with what comes from now on. */
static enum err first_id(struct live *l, struct call *c, uint64_t *id)
{
    struct str resume =
        c->last_event_id.n ? c->last_event_id : call_query(c, "last_event_id", (struct str){0});
    if (resume.n)
        return str_to_u64(resume, INT64_MAX, id);
    return event_query_last_id(l->events, id);
}

static enum err add_tail(struct live *l, struct call *c, struct tail *t)
{
    pthread_mutex_lock(&l->lock);
    enum err e = l->n_tails < LIVE_TAILS && !l->is_closing ? OK : ERR_BUSY;
    if (e == OK)
        e = first_id(l, c, &t->last_id);
    if (e == OK) {
        list_push_back(&l->tails, &t->node);
        l->n_tails++;
        pthread_cond_broadcast(&l->change);
    }
    pthread_mutex_unlock(&l->lock);
    return e;
}

void live_tail(struct call *c)
{
    static const char *const ours[] = {"last_event_id", NULL};
    struct live *l = c->app->live;
    struct tail *t = calloc(1, sizeof *t);
    if (!t || !(t->out = outflow_new(TAIL_BYTES))) {
        free(t);
        problem_reply_err(c, ERR_NOMEM, "stream");
        return;
    }
    enum err e = OK;
    t->heard_ms = clock_mono_ms(&c->app->clock);
    t->ends_ms = t->heard_ms + LIVE_LIFE_MS;
    bool good = api_log_filter(c, ours, &t->filter);
    struct outflow *out = outflow_ref(t->out);
    (void)outflow_try(out, STR(": records follow\n\n"));
    if (good)
        e = add_tail(l, c, t);
    if (!good || e != OK) {
        event_filter_fini(&t->filter);
        outflow_unref(t->out);
        outflow_unref(out);
        free(t);
        if (e == ERR_INVALID)
            problem_reply_fault(c, "/last_event_id", "bad-value", "It is a record's id.");
        else if (e != OK)
            problem_reply_err(c, e, "stream");
        return;
    }
    reply_text(c, 200, "text/event-stream", (struct str){0});
    c->reply.stream = out;
}

void live_export(struct call *c)
{
    exports_start(c->app->live->exports, c);
}
