/* watch_rows: one row. */
#include "db/watch_rows.h"

const char *watch_state_name(enum watch_state w)
{
    static const char *const names[] = {"watching", "calm", "returned", "ended"};
    return names[w];
}

enum err watch_rows_get(struct store *s, struct arena *a, struct watch *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s, "SELECT version, previous, state, since_ms, until_ms, message FROM policy_watch", &st);
    if (e == OK)
        e = store_step(s, st);
    if (e != OK)
        return e;
    uint64_t state = store_column_u64(st, 2);
    struct watch w = {.version = store_column_u64(st, 0),
                      .previous = store_column_u64(st, 1),
                      .state = state > WATCH_ENDED ? WATCH_ENDED : (enum watch_state)state,
                      .since_ms = store_column_i64(st, 3),
                      .until_ms = store_column_i64(st, 4)};
    e = store_column_copy(st, 5, a, &w.message);
    store_reset(st);
    if (e == OK)
        *out = w;
    return e;
}

enum err watch_rows_put(struct store *s, const struct watch *w)
{
    struct sqlite3_stmt *st;
    enum err e =
        store_stmt(s,
                   "INSERT INTO policy_watch VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(one) DO"
                   " UPDATE SET version=?1, previous=?2, state=?3, since_ms=?4, until_ms=?5,"
                   " message=?6",
                   &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, w->version);
    store_bind_u64(st, 2, w->previous);
    store_bind_u64(st, 3, w->state);
    store_bind_i64(st, 4, w->since_ms);
    store_bind_i64(st, 5, w->until_ms);
    store_bind_str(st, 6, w->message);
    return store_run(s, st);
}
