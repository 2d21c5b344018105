/* event_bulk: reading the records of one day file fast and in order, for replay: the file's texts
 * are read once, then the rows are walked without a look-up each. What a decision does not need
 * (referer, durations, bytes) is left out. Owner: open/close. Threads: one reader, one thread;
 * several readers may walk parts of the same file. */
#ifndef DB_EVENT_BULK_H
#define DB_EVENT_BULK_H

#include "base/record.h"
#include "db/store.h"

struct event_bulk;

/* ERR_NOT_FOUND: no such day. ERR_CORRUPT, ERR_NOMEM, ERR_IO: why says it. */
enum err event_bulk_open(const char *dir, int64_t day, char why[STORE_WHY_BYTES],
                         struct event_bulk **out) MUST_CHECK;
void event_bulk_close(struct event_bulk *b); /* NULL is fine */

/* Lowest and highest id in the file; ERR_NOT_FOUND when it holds none. */
enum err event_bulk_ids(struct event_bulk *b, uint64_t *low, uint64_t *high) MUST_CHECK;

struct event_bulk_span {
    uint64_t low, high;     /* ids, both included */
    int64_t from_ms, to_ms; /* of the request's beginning: from <= time < to */
};

/* Calls `record` for each, ascending; its views live for that call (texts as long as b). False
 * stops, the walk then gives OK. Members that are not read: node, upstream_ms, duration_ms, bytes,
 * referer, client_port, cache, shadow, rule_name, note, group_paths. */
enum err event_bulk_each(struct event_bulk *b, const struct event_bulk_span *span,
                         bool (*record)(void *ctx, const struct record *r), void *ctx) MUST_CHECK;

#endif
