/* api_log: the items are written as text while they come; no tree of a thousand records. */
#include "adminui/api_log.h"

#include <stdio.h>
#include <string.h>

#include "adminui/desk.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/event_query.h"
#include "db/record_format.h"

#define SEARCH_MS    10000
#define SEARCHES_MAX 4 /* at once: the other workers stay free for short calls */

static bool is_ours(const char *const *ours, struct str name)
{
    for (; *ours; ours++)
        if (str_eq(name, str_of(*ours)))
            return true;
    return false;
}

bool api_log_filter(struct call *c, const char *const *ours, struct event_filter *out)
{
    char pointer[80];
    int64_t now = clock_wall_ms(&c->app->clock);
    event_filter_init(out);
    for (size_t i = 0; i < c->query.n; i++) {
        struct str name = c->query.pairs[i].name;
        const char *why = NULL;
        if (is_ours(ours, name))
            continue;
        enum err e = event_filter_add(out, name, c->query.pairs[i].value, now, &why);
        if (e == OK)
            continue;
        snprintf(pointer, sizeof pointer, "/%.*s", (int)(name.n < 60 ? name.n : 60), name.p);
        problem_reply_fault(c, pointer, e == ERR_NOT_FOUND ? "unknown-field" : "bad-value",
                            e == ERR_NOT_FOUND ? "There is no such field to filter by."
                            : why              ? why
                                               : "This value does not fit the field.");
        return false;
    }
    return true;
}

struct page {
    struct buf *out;
    size_t n;
};

static bool add_record(void *ctx, const struct record *r)
{
    struct page *p = ctx;
    if (p->n++)
        buf_add_c(p->out, ',');
    record_format_json(r, p->out);
    return !p->out->failed;
}

static void search(struct call *c, uint64_t limit)
{
    static const char *const ours[] = {"limit", "cursor", NULL};
    struct event_filter filter;
    char next[EVENT_CURSOR_BYTES] = "";
    if (api_log_filter(c, ours, &filter)) {
        struct page page = {.out = &c->reply.body};
        struct event_emit emit = {add_record, &page};
        struct event_query q = {.filter = &filter,
                                .cursor = call_query(c, "cursor", (struct str){0}),
                                .limit = limit,
                                .deadline_mono_ms = clock_mono_ms(&c->app->clock) + SEARCH_MS};
        reply_text(c, 200, "application/json", STR("{\"items\":["));
        enum err e = event_query_run(c->desk->events, &q, &emit, next);
        buf_add_z(&c->reply.body, "],\"next_cursor\":");
        if (next[0])
            buf_addf(&c->reply.body, "\"%s\"", next);
        else
            buf_add_z(&c->reply.body, "null");
        buf_add_c(&c->reply.body, '}');
        /* Out of time with something found is an answer: the cursor says where to go on. */
        if (e == ERR_INVALID)
            problem_reply_fault(c, "/cursor", "bad-cursor", "This cursor is not one of ours.");
        else if (e != OK && !(e == ERR_TIMEOUT && page.n && next[0]))
            problem_reply_err(c, e, "search");
    }
    event_filter_fini(&filter);
}

void api_log_search(struct call *c)
{
    uint64_t limit = 100;
    if (!call_query_number(c, "limit", 1000, &limit))
        return;
    if (atomic_fetch_add(&c->app->n_searches, 1) < SEARCHES_MAX) {
        search(c, limit);
    } else {
        c->reply.retry_after_s = 1;
        problem_reply(c, PROBLEM_BUSY, "Too many searches at once; try again in a moment.");
    }
    atomic_fetch_sub(&c->app->n_searches, 1);
}

void api_log_get(struct call *c)
{
    uint64_t id;
    if (str_to_u64(c->params[0], INT64_MAX, &id) != OK) {
        problem_reply(c, PROBLEM_NOT_FOUND, "A record's id is a number.");
        return;
    }
    struct page page = {.out = &c->reply.body};
    struct event_emit emit = {add_record, &page};
    reply_text(c, 200, "application/json", (struct str){0});
    enum err e = event_query_get(c->desk->events, id, &emit);
    if (e != OK)
        problem_reply_err(c, e, "record");
}
