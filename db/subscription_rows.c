/* subscription_rows: two tables. */
#include "db/subscription_rows.h"

#define COLUMNS                                                                                    \
    "SELECT id, revision, name, config, created_ms, state, why, waiting, etag, last_modified,"     \
    " hash, checked_ms, good_ms, next_ms, failures, entries FROM subscription"

static enum err read_row(struct sqlite3_stmt *st, struct arena *a, struct subscription *out)
{
    struct subscription x = {.id = store_column_u64(st, 0),
                             .revision = store_column_u64(st, 1),
                             .created_ms = store_column_i64(st, 4),
                             .checked_ms = store_column_i64(st, 11),
                             .good_ms = store_column_i64(st, 12),
                             .next_ms = store_column_i64(st, 13),
                             .failures = (uint32_t)store_column_u64(st, 14),
                             .entries = store_column_u64(st, 15)};
    uint64_t state = store_column_u64(st, 5);
    struct {
        int at;
        struct str *to;
    } texts[] = {{2, &x.name}, {3, &x.config},        {6, &x.why},  {7, &x.waiting},
                 {8, &x.etag}, {9, &x.last_modified}, {10, &x.hash}};
    if (state > SUBSCRIPTION_WAITING)
        return ERR_CORRUPT;
    x.state = (enum subscription_state)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        enum err e = store_column_copy(st, texts[i].at, a, texts[i].to);
        if (e != OK)
            return e;
    }
    *out = x;
    return OK;
}

enum err subscription_rows_all(struct store *s, struct arena *a, struct subscription **items,
                               size_t *n)
{
    struct sqlite3_stmt *st;
    uint64_t count = 0;
    size_t at = 0;
    enum err e = store_u64(s, "SELECT count(*) FROM subscription", &count);
    struct subscription *all = e == OK ? arena_alloc(a, ((size_t)count + 1) * sizeof *all) : NULL;
    if (e == OK && !all)
        e = ERR_NOMEM;
    if (e == OK)
        e = store_stmt(s, COLUMNS " ORDER BY name LIMIT ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, count);
    while ((e = store_step(s, st)) == OK) {
        e = read_row(st, a, &all[at++]);
        if (e != OK) {
            store_reset(st);
            return e;
        }
    }
    *items = all;
    *n = at;
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err subscription_rows_get(struct store *s, struct arena *a, uint64_t id,
                               struct subscription *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, COLUMNS " WHERE id = ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, id);
    e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_row(st, a, out);
    store_reset(st);
    return e;
}

enum err subscription_rows_add(struct store *s, const struct subscription *x, uint64_t *id)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s, "INSERT INTO subscription(name, config, revision, created_ms) VALUES(?1, ?2, 1, ?3)",
        &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, x->name);
    store_bind_str(st, 2, x->config);
    store_bind_i64(st, 3, x->created_ms);
    e = store_run(s, st);
    if (e == OK)
        *id = store_last_rowid(s);
    return e;
}

enum err subscription_rows_forget(struct store *s, struct str category)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "UPDATE subscription SET etag = '', last_modified = '', hash = '',"
                            " revision = revision + 1"
                            " WHERE 'sub:' || id IN"
                            " (SELECT source FROM category_source WHERE category = ?1)",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, category);
    return store_run(s, st);
}

enum err subscription_rows_put(struct store *s, const struct subscription *x, uint64_t expected)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "UPDATE subscription SET name = ?2, config = ?3, etag = '',"
                            " last_modified = '', hash = '', next_ms = 0, failures = 0,"
                            " revision = revision + 1 WHERE id = ?1 AND revision = ?4",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, x->id);
    store_bind_str(st, 2, x->name);
    store_bind_str(st, 3, x->config);
    store_bind_u64(st, 4, expected);
    e = store_run(s, st);
    if (e == OK && store_changes(s) == 0)
        return store_fail(s, ERR_CONFLICT, "the subscription was changed meanwhile");
    return e;
}

enum err subscription_rows_delete(struct store *s, uint64_t id)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "DELETE FROM subscription WHERE id = ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, id);
    e = store_run(s, st);
    return e == OK && store_changes(s) == 0 ? ERR_NOT_FOUND : e;
}

enum err subscription_rows_progress(struct store *s, const struct subscription *x)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "UPDATE subscription SET state = ?2, why = ?3, waiting = ?4, etag = ?5,"
                            " last_modified = ?6, hash = ?7, checked_ms = ?8, good_ms = ?9,"
                            " next_ms = ?10, failures = ?11, entries = ?12"
                            " WHERE id = ?1 AND revision = ?13",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, x->id);
    store_bind_u64(st, 2, (uint64_t)x->state);
    store_bind_str(st, 3, x->why);
    store_bind_str(st, 4, x->waiting);
    store_bind_str(st, 5, x->etag);
    store_bind_str(st, 6, x->last_modified);
    store_bind_str(st, 7, x->hash);
    store_bind_i64(st, 8, x->checked_ms);
    store_bind_i64(st, 9, x->good_ms);
    store_bind_i64(st, 10, x->next_ms);
    store_bind_u64(st, 11, x->failures);
    store_bind_u64(st, 12, x->entries);
    store_bind_u64(st, 13, x->revision);
    e = store_run(s, st);
    if (e == OK && store_changes(s) == 0)
        return store_fail(s, ERR_CONFLICT, "the subscription was changed meanwhile");
    return e;
}

static enum err forget_old(struct store *s, uint64_t id)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "DELETE FROM subscription_fetch WHERE subscription = ?1 AND id NOT IN"
                            " (SELECT id FROM subscription_fetch WHERE subscription = ?1"
                            "  ORDER BY id DESC LIMIT ?2)",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, id);
    store_bind_u64(st, 2, SUBSCRIPTION_HISTORY);
    return store_run(s, st);
}

enum err subscription_rows_note(struct store *s, const struct subscription_fetch *f)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO subscription_fetch(subscription, at_ms, outcome, status,"
                            " bytes, entries, added, removed, took_ms, why)"
                            " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
                            " WHERE EXISTS (SELECT 1 FROM subscription WHERE id = ?1)",
                            &st);
    if (e != OK)
        return e;
    const uint64_t numbers[] = {f->subscription, (uint64_t)f->at_ms, (uint64_t)f->outcome,
                                f->status,       f->bytes,           f->entries,
                                f->added,        f->removed,         (uint64_t)f->took_ms};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        store_bind_u64(st, (int)i + 1, numbers[i]);
    store_bind_str(st, 10, f->why);
    e = store_run(s, st);
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
    if (e == OK)
        return store_commit(s);
    store_rollback(s);
    return e;
}

enum err subscription_rows_history(struct store *s, struct arena *a, uint64_t id,
                                   struct subscription_fetch **items, size_t *n)
{
    struct sqlite3_stmt *st;
    size_t at = 0;
    struct subscription_fetch *all = arena_alloc(a, SUBSCRIPTION_HISTORY * sizeof *all);
    enum err e = all ? store_stmt(s,
                                  "SELECT at_ms, outcome, status, bytes, entries, added, removed,"
                                  " took_ms, why FROM subscription_fetch WHERE subscription = ?1"
                                  " ORDER BY id DESC LIMIT ?2",
                                  &st)
                     : ERR_NOMEM;
    if (e != OK)
        return e;
    store_bind_u64(st, 1, id);
    store_bind_u64(st, 2, SUBSCRIPTION_HISTORY);
    while ((e = store_step(s, st)) == OK) {
        struct subscription_fetch *f = &all[at++];
        *f = (struct subscription_fetch){.subscription = id,
                                         .at_ms = store_column_i64(st, 0),
                                         .outcome =
                                             (enum subscription_outcome)store_column_u64(st, 1),
                                         .status = (unsigned)store_column_u64(st, 2),
                                         .bytes = store_column_u64(st, 3),
                                         .entries = store_column_u64(st, 4),
                                         .added = store_column_u64(st, 5),
                                         .removed = store_column_u64(st, 6),
                                         .took_ms = store_column_i64(st, 7)};
        e = store_column_copy(st, 8, a, &f->why);
        if (e != OK) {
            store_reset(st);
            return e;
        }
    }
    *items = all;
    *n = at;
    return e == ERR_NOT_FOUND ? OK : e;
}
