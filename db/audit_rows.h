/* audit_rows: the append-only trail of what administrators did. Each row carries the SHA-256 over
 * the row before and its own fields, so that an edit or a removed row in the middle shows. Triggers
 * in the schema refuse UPDATE and DELETE. adminui alone calls this, inside the transaction of the
 * change it tells of (store_begin). Borrows: texts are copied into the caller's arena. */
#ifndef DB_AUDIT_ROWS_H
#define DB_AUDIT_ROWS_H

#include "base/buf.h"
#include "db/store.h"

struct audit_row {
    uint64_t id; /* given by audit_rows_add */
    int64_t at_ms;
    struct str actor, via, from, action, object;
    struct str before, after; /* JSON text; empty: none */
    struct str result, request_id;
};

struct audit_page {
    uint64_t before;        /* ids below this one; 0: from the newest */
    int64_t from_ms, to_ms; /* from <= time < to; 0: open */
    struct str actor;       /* exact, without case; empty: any */
    struct str action;      /* '*' globs; empty: any */
};

enum err audit_rows_add(struct store *s, const struct audit_row *row, uint64_t *id) MUST_CHECK;
/* Newest first, at most *n into items (the caller's array); *n becomes how many. */
enum err audit_rows_list(struct store *s, struct arena *a, const struct audit_page *page,
                         struct audit_row *items, size_t *n) MUST_CHECK;
/* Walks the chain. OK: *n_rows rows, *first_bad is 0, or the id of the first row that does not fit.
 */
enum err audit_rows_verify(struct store *s, uint64_t *n_rows, uint64_t *first_bad) MUST_CHECK;

#endif
