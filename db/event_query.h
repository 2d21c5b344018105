/* event_query: reading access records from the day files: search, one by id, tail, export. Readers
 * never disturb the writer. adminui calls this; replay will. Order is the order of recording (id),
 * newest day first, so a page never shifts while records arrive.
 * Owner: open/close. Threads: one at a time per reader; a reader keeps a few files open.
 * Borrows: a record given to emit and its views live for that call. */
#ifndef DB_EVENT_QUERY_H
#define DB_EVENT_QUERY_H

#include "db/event_filter.h"
#include "db/store.h"

#define EVENT_CURSOR_BYTES 48

struct event_reader;

/* dir need not exist yet. ERR_NOMEM. */
enum err event_query_open(const char *dir, struct event_reader **out) MUST_CHECK;
void event_query_close(struct event_reader *r); /* NULL is fine */
const char *event_query_why(const struct event_reader *r);

struct event_emit {
    bool (*record)(void *ctx, const struct record *r); /* false stops; the call then gives OK */
    void *ctx;
};

struct event_query {
    const struct event_filter *filter; /* NULL: everything */
    struct str cursor;                 /* of the page before; empty: the first page */
    uint64_t limit;                    /* 0: no limit (export) */
    int64_t deadline_mono_ms;          /* CLOCK_MONOTONIC in ms; 0: none */
    bool ascending;                    /* oldest first (export, replay) */
};

/* next gets the cursor of the page after, "" when there is nothing more. ERR_TIMEOUT: records
 * already emitted are right, next is where to go on. ERR_INVALID: the cursor. Day files that are
 * damaged are skipped; event_query_why then says so although OK is returned. */
enum err event_query_run(struct event_reader *r, const struct event_query *q,
                         const struct event_emit *emit, char next[EVENT_CURSOR_BYTES]) MUST_CHECK;

/* ERR_NOT_FOUND. */
enum err event_query_get(struct event_reader *r, uint64_t id,
                         const struct event_emit *emit) MUST_CHECK;

/* Records with an id above `after`, ascending, at most limit; filter may be NULL. *last becomes the
 * highest id looked at (also of those that did not fit), to be handed in the next time. */
struct event_tail {
    uint64_t after, limit;
    const struct event_filter *filter;
};
enum err event_query_tail(struct event_reader *r, const struct event_tail *t,
                          const struct event_emit *emit, uint64_t *last) MUST_CHECK;
enum err event_query_last_id(struct event_reader *r, uint64_t *out) MUST_CHECK; /* 0: none */

#endif
