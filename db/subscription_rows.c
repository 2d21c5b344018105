/* subscription_rows: two tables. */
#include "db/subscription_rows.h"

#include "db/row.h"

#define COLUMNS                                                                                    \
    "SELECT id, revision, name, config, created_ms, state, why, waiting, etag, last_modified,"     \
    " hash, checked_ms, good_ms, next_ms, failures, entries FROM subscription"

static void read_subscription(struct row *r, void *item)
{
    *(struct subscription *)item = (struct subscription){
        .id = row_u64(r, 0),
        .revision = row_u64(r, 1),
        .name = row_text(r, 2),
        .config = row_text(r, 3),
        .created_ms = row_i64(r, 4),
        .state = (enum subscription_state)row_enum(r, 5, SUBSCRIPTION_WAITING),
        .why = row_text(r, 6),
        .waiting = row_text(r, 7),
        .etag = row_text(r, 8),
        .last_modified = row_text(r, 9),
        .hash = row_text(r, 10),
        .checked_ms = row_i64(r, 11),
        .good_ms = row_i64(r, 12),
        .next_ms = row_i64(r, 13),
        .failures = (uint32_t)row_u64(r, 14),
        .entries = row_u64(r, 15)};
}

enum err subscription_rows_all(struct store *s, struct arena *a, struct subscription **items,
                               size_t *n)
{
    return row_all(s, ROW_PLAIN(COLUMNS " ORDER BY name"), ROW_ALL(read_subscription, a, items), n);
}

enum err subscription_rows_get(struct store *s, struct arena *a, uint64_t id,
                               struct subscription *out)
{
    return row_one(s, ROW_SQL(COLUMNS " WHERE id = ?1", ROW_INT(id)),
                   ROW_INTO(read_subscription, a, out));
}

enum err subscription_rows_add(struct store *s, const struct subscription *x, uint64_t *id)
{
    return row_add(s,
                   ROW_SQL("INSERT INTO subscription(name, config, revision, created_ms)"
                           " VALUES(?1, ?2, 1, ?3)",
                           ROW_TEXT(x->name), ROW_TEXT(x->config), ROW_INT(x->created_ms)),
                   id);
}

enum err subscription_rows_forget(struct store *s, struct str category)
{
    return row_run(s, ROW_SQL("UPDATE subscription SET etag = '', last_modified = '', hash = '',"
                              " revision = revision + 1"
                              " WHERE 'sub:' || id IN"
                              " (SELECT source FROM category_source WHERE category = ?1)",
                              ROW_TEXT(category)));
}

/* A change that asks for the revision it has seen. */
static enum err change(struct store *s, const struct row_sql *q)
{
    enum err e = row_change(s, q);
    return e == ERR_NOT_FOUND
               ? store_fail(s, ERR_CONFLICT, "the subscription was changed meanwhile")
               : e;
}

enum err subscription_rows_put(struct store *s, const struct subscription *x, uint64_t expected)
{
    return change(s, ROW_SQL("UPDATE subscription SET name = ?2, config = ?3, etag = '',"
                             " last_modified = '', hash = '', next_ms = 0, failures = 0,"
                             " revision = revision + 1 WHERE id = ?1 AND revision = ?4",
                             ROW_INT(x->id), ROW_TEXT(x->name), ROW_TEXT(x->config),
                             ROW_INT(expected)));
}

enum err subscription_rows_delete(struct store *s, uint64_t id)
{
    return row_change(s, ROW_SQL("DELETE FROM subscription WHERE id = ?1", ROW_INT(id)));
}

enum err subscription_rows_progress(struct store *s, const struct subscription *x)
{
    return change(s,
                  ROW_SQL("UPDATE subscription SET state = ?2, why = ?3, waiting = ?4, etag = ?5,"
                          " last_modified = ?6, hash = ?7, checked_ms = ?8, good_ms = ?9,"
                          " next_ms = ?10, failures = ?11, entries = ?12"
                          " WHERE id = ?1 AND revision = ?13",
                          ROW_INT(x->id), ROW_INT(x->state), ROW_TEXT(x->why), ROW_TEXT(x->waiting),
                          ROW_TEXT(x->etag), ROW_TEXT(x->last_modified), ROW_TEXT(x->hash),
                          ROW_INT(x->checked_ms), ROW_INT(x->good_ms), ROW_INT(x->next_ms),
                          ROW_INT(x->failures), ROW_INT(x->entries), ROW_INT(x->revision)));
}

static enum err forget_old(struct store *s, uint64_t id)
{
    return row_run(s, ROW_SQL("DELETE FROM subscription_fetch WHERE subscription = ?1 AND id NOT IN"
                              " (SELECT id FROM subscription_fetch WHERE subscription = ?1"
                              "  ORDER BY id DESC LIMIT ?2)",
                              ROW_INT(id), ROW_INT(SUBSCRIPTION_HISTORY)));
}

enum err subscription_rows_note(struct store *s, const struct subscription_fetch *f)
{
    enum err e = row_run(
        s, ROW_SQL("INSERT INTO subscription_fetch(subscription, at_ms, outcome, status,"
                   " bytes, entries, added, removed, took_ms, why)"
                   " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
                   " WHERE EXISTS (SELECT 1 FROM subscription WHERE id = ?1)",
                   ROW_INT(f->subscription), ROW_INT(f->at_ms), ROW_INT(f->outcome),
                   ROW_INT(f->status), ROW_INT(f->bytes), ROW_INT(f->entries), ROW_INT(f->added),
                   ROW_INT(f->removed), ROW_INT(f->took_ms), ROW_TEXT(f->why)));
    return e == OK ? forget_old(s, f->subscription) : e;
}

enum err subscription_rows_ended(struct store *s, const struct subscription *x,
                                 const struct subscription_fetch *f)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = subscription_rows_progress(s, x);
    if (e == OK)
        e = subscription_rows_note(s, f);
    return store_end(s, e);
}

static void read_fetch(struct row *r, void *item)
{
    *(struct subscription_fetch *)item =
        (struct subscription_fetch){.subscription = row_u64(r, 0),
                                    .at_ms = row_i64(r, 1),
                                    .outcome = (enum subscription_outcome)row_u64(r, 2),
                                    .status = (unsigned)row_u64(r, 3),
                                    .bytes = row_u64(r, 4),
                                    .entries = row_u64(r, 5),
                                    .added = row_u64(r, 6),
                                    .removed = row_u64(r, 7),
                                    .took_ms = row_i64(r, 8),
                                    .why = row_text(r, 9)};
}

enum err subscription_rows_history(struct store *s, struct arena *a, uint64_t id,
                                   struct subscription_fetch **items, size_t *n)
{
    return row_all(s,
                   ROW_SQL("SELECT subscription, at_ms, outcome, status, bytes, entries, added,"
                           " removed, took_ms, why FROM subscription_fetch"
                           " WHERE subscription = ?1 ORDER BY id DESC LIMIT ?2",
                           ROW_INT(id), ROW_INT(SUBSCRIPTION_HISTORY)),
                   ROW_ALL(read_fetch, a, items), n);
}
