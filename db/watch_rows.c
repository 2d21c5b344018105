/* watch_rows: one row. */
#include "db/watch_rows.h"

#include "db/row.h"

const char *watch_state_name(enum watch_state w)
{
    static const char *const names[] = {"watching", "calm", "returned", "ended"};
    return names[w];
}

static void read_watch(struct row *r, void *item)
{
    uint64_t state = row_u64(r, 2);
    *(struct watch *)item =
        (struct watch){.version = row_u64(r, 0),
                       .previous = row_u64(r, 1),
                       .state = state > WATCH_ENDED ? WATCH_ENDED : (enum watch_state)state,
                       .since_ms = row_i64(r, 3),
                       .until_ms = row_i64(r, 4),
                       .message = row_text(r, 5)};
}

enum err watch_rows_get(struct store *s, struct arena *a, struct watch *out)
{
    return row_one(
        s,
        ROW_PLAIN("SELECT version, previous, state, since_ms, until_ms, message FROM policy_watch"),
        ROW_INTO(read_watch, a, out));
}

enum err watch_rows_put(struct store *s, const struct watch *w)
{
    return row_run(
        s, ROW_SQL("INSERT INTO policy_watch VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(one) DO"
                   " UPDATE SET version=?1, previous=?2, state=?3, since_ms=?4, until_ms=?5,"
                   " message=?6",
                   ROW_INT(w->version), ROW_INT(w->previous), ROW_INT(w->state),
                   ROW_INT(w->since_ms), ROW_INT(w->until_ms), ROW_TEXT(w->message)));
}
