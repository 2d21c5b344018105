/* watch_rows: the publication that is being watched, one row: the version that was published, the
 * one before it, and until when a jump of its block or error rate sends it back. adminui alone.
 * Threads: as the store handle. Borrows: the message is copied into the caller's arena. */
#ifndef DB_WATCH_ROWS_H
#define DB_WATCH_ROWS_H

#include "db/store.h"

enum watch_state { /* numbers are stored */
                   WATCH_ON,
                   WATCH_CALM,     /* its time passed without alarm */
                   WATCH_RETURNED, /* sent back */
                   WATCH_ENDED,    /* something else was published, or nobody looked in time */
};

struct watch {
    uint64_t version, previous;
    enum watch_state state;
    int64_t since_ms, until_ms;
    struct str message; /* one sentence; may be empty */
};

enum err watch_rows_get(struct store *s, struct arena *a, struct watch *out) MUST_CHECK;
enum err watch_rows_put(struct store *s, const struct watch *w) MUST_CHECK;

const char *watch_state_name(enum watch_state w); /* "watching", "calm", "returned", "ended" */

#endif
