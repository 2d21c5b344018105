/* export: read, format, write, wait. */
#include "adminui/export.h"

#include <pthread.h>
#include <stdlib.h>

#include "adminui/api_log.h"
#include "adminui/app.h"
#include "adminui/live.h"
#include "adminui/outflow.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/event_query.h"
#include "db/record_format.h"

#define FLOW_BYTES  (256u << 10)
#define BLOCK_BYTES ((size_t)64 << 10)
#define RECORDS_MAX 1000000

struct exports {
    struct app *app;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    unsigned n;
};

static const struct format {
    const char *name, *type, *file;
    void (*head)(struct buf *out);
    void (*record)(const struct record *r, struct buf *out);
    bool needs_newline;
} formats[] = {
    {"csv", "text/csv; charset=utf-8", "access.csv", record_format_csv_head, record_format_csv,
     false},
    {"ndjson", "application/x-ndjson", "access.ndjson", NULL, record_format_json, true},
    {"squid", "text/plain; charset=utf-8", "access.log", NULL, record_format_squid, false},
};

struct export
{
    struct exports *all;
    const struct format *format;
    struct outflow *out;
    struct event_filter filter;
    uint64_t limit;
    struct buf block;
};

enum err exports_open(struct app *app, struct exports **out)
{
    struct exports *x = calloc(1, sizeof *x);
    if (!x)
        return ERR_NOMEM;
    x->app = app;
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->idle, NULL);
    *out = x;
    return OK;
}

void exports_close(struct exports *x)
{
    if (!x)
        return;
    pthread_mutex_lock(&x->lock);
    while (x->n)
        pthread_cond_wait(&x->idle, &x->lock);
    pthread_mutex_unlock(&x->lock);
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->idle);
    free(x);
}

static void leave(struct exports *x)
{
    pthread_mutex_lock(&x->lock);
    if (--x->n == 0)
        pthread_cond_broadcast(&x->idle);
    pthread_mutex_unlock(&x->lock);
}

static bool flush(struct export *e)
{
    bool is_there = outflow_write(e->out, buf_str(&e->block));
    buf_clear(&e->block);
    return is_there;
}

static bool add_record(void *ctx, const struct record *r)
{
    struct export *e = ctx;
    e->format->record(r, &e->block);
    if (e->format->needs_newline)
        buf_add_c(&e->block, '\n');
    return e->block.n < BLOCK_BYTES || flush(e);
}

static void free_export(struct export *e)
{
    outflow_end(e->out);
    outflow_unref(e->out);
    event_filter_fini(&e->filter);
    buf_fini(&e->block);
    free(e);
}

static void *run(void *arg)
{
    struct export *e = arg;
    struct exports *x = e->all;
    struct event_reader *events;
    char next[EVENT_CURSOR_BYTES];
    if (event_query_open(x->app->events_dir, &events) == OK) {
        struct event_emit emit = {add_record, e};
        struct event_query q = {.filter = &e->filter, .limit = e->limit, .ascending = true};
        if (e->format->head)
            e->format->head(&e->block);
        /* The answer has begun; what cannot be read any more can only be missing at the end. */
        if (event_query_run(events, &q, &emit, next) != OK)
            buf_clear(&e->block);
        (void)flush(e);
        event_query_close(events);
    }
    free_export(e);
    leave(x);
    return NULL;
}

static const struct format *named(struct str name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (str_eq(name, str_of(formats[i].name)))
            return &formats[i];
    return NULL;
}

static enum err start_thread(struct exports *x, struct export *e)
{
    pthread_t thread;
    pthread_mutex_lock(&x->lock);
    bool is_free = x->n < LIVE_EXPORTS;
    x->n += is_free;
    pthread_mutex_unlock(&x->lock);
    if (!is_free)
        return ERR_BUSY;
    if (pthread_create(&thread, NULL, run, e) != 0) {
        leave(x);
        return ERR_NOMEM;
    }
    pthread_detach(thread); /* exports_close counts them out */
    return OK;
}

void exports_start(struct exports *x, struct call *c)
{
    static const char *const ours[] = {"format", "limit", NULL};
    const struct format *f = named(call_query(c, "format", STR("csv")));
    uint64_t limit = RECORDS_MAX;
    if (!f) {
        problem_reply_fault(c, "/format", "unknown-format", "A format is csv, ndjson or squid.");
        return;
    }
    if (!call_query_number(c, "limit", RECORDS_MAX, &limit))
        return;
    struct export *e = calloc(1, sizeof *e);
    if (!e || !(e->out = outflow_new(FLOW_BYTES))) {
        free(e);
        problem_reply_err(c, ERR_NOMEM, "export");
        return;
    }
    e->all = x;
    e->format = f;
    e->limit = limit;
    buf_init(&e->block, BLOCK_BYTES * 8);
    struct outflow *out = outflow_ref(e->out);
    bool good = api_log_filter(c, ours, &e->filter);
    enum err err = good ? start_thread(x, e) : OK;
    if (!good || err != OK) {
        free_export(e);
        outflow_unref(out);
        if (err != OK)
            problem_reply_err(c, err, "export");
        return;
    }
    reply_text(c, 200, f->type, (struct str){0});
    reply_file_name(c, f->file);
    c->reply.stream = out;
}
