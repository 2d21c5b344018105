/* change_rows: one table of changes, one of what people said to them. */
#include "db/change_rows.h"

static const char *const state_names[CHANGE_STATES] = {
    "awaiting-approval", "scheduled", "held",    "canary",  "done", "failed",
    "cancelled",         "rejected",  "aborted", "returned"};

const char *change_state_name(enum change_state s)
{
    return state_names[s];
}

const char *change_kind_name(enum change_kind k)
{
    static const char *const names[] = {"publish", "rollback", "exception", "settings"};
    return names[k];
}

bool change_is_open(enum change_state s)
{
    return s < CHANGE_DONE;
}

enum err change_rows_add(struct store *s, const struct change *c, uint64_t *id)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO policy_change VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
                            " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
                            &st);
    if (e != OK)
        return e;
    const struct str texts[] = {c->document, c->comment, c->author, c->person, c->reason,
                                c->canary,   c->replay,  c->report, c->message};
    static const int text_at[] = {3, 5, 6, 7, 8, 15, 19, 20, 21};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        store_bind_str(st, text_at[i], texts[i]);
    store_bind_u64(st, 1, c->kind);
    store_bind_u64(st, 2, c->state);
    store_bind_u64(st, 4, c->n_rules);
    store_bind_u64(st, 9, c->flags);
    store_bind_i64(st, 10, c->at_ms);
    store_bind_i64(st, 11, c->publish_at_ms);
    store_bind_u64(st, 12, c->base_version);
    store_bind_u64(st, 13, c->copy_of);
    store_bind_u64(st, 14, c->version);
    store_bind_i64(st, 16, c->canary_ms);
    store_bind_i64(st, 17, c->since_ms);
    store_bind_i64(st, 18, c->until_ms);
    store_bind_i64(st, 22, c->ended_ms);
    e = store_run(s, st);
    if (e == OK)
        *id = store_last_rowid(s);
    return e;
}

/* --- reading --- */

#define COLUMNS                                                                                    \
    "SELECT id, kind, state, n_rules, flags, at_ms, publish_at_ms, base_version, copy_of,"         \
    " version, canary_ms, since_ms, until_ms, ended_ms,"                                           \
    " comment, author, person, reason, canary, replay, report, message"

static enum err read_texts(struct sqlite3_stmt *st, struct arena *a, bool has_document,
                           struct change *c)
{
    struct str *const texts[] = {&c->comment, &c->author, &c->person, &c->reason,
                                 &c->canary,  &c->replay, &c->report, &c->message};
    enum err e = OK;
    for (int i = 0; i < 8 && e == OK; i++)
        e = store_column_copy(st, 14 + i, a, texts[i]);
    if (e == OK && has_document)
        e = store_column_copy(st, 22, a, &c->document);
    return e;
}

static enum err read_change(struct sqlite3_stmt *st, struct arena *a, bool has_document,
                            struct change *out)
{
    uint64_t kind = store_column_u64(st, 1), state = store_column_u64(st, 2);
    if (kind > CHANGE_SETTINGS || state >= CHANGE_STATES)
        return ERR_CORRUPT;
    struct change c = {.id = store_column_u64(st, 0),
                       .kind = (enum change_kind)kind,
                       .state = (enum change_state)state,
                       .document = {"", 0},
                       .n_rules = (uint32_t)store_column_u64(st, 3),
                       .flags = (unsigned)store_column_u64(st, 4),
                       .at_ms = store_column_i64(st, 5),
                       .publish_at_ms = store_column_i64(st, 6),
                       .base_version = store_column_u64(st, 7),
                       .copy_of = store_column_u64(st, 8),
                       .version = store_column_u64(st, 9),
                       .canary_ms = store_column_i64(st, 10),
                       .since_ms = store_column_i64(st, 11),
                       .until_ms = store_column_i64(st, 12),
                       .ended_ms = store_column_i64(st, 13)};
    enum err e = read_texts(st, a, has_document, &c);
    if (e == OK)
        *out = c;
    return e;
}

enum err change_rows_get(struct store *s, struct arena *a, uint64_t id, struct change *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, COLUMNS ", document FROM policy_change WHERE id = ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, id);
    e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_change(st, a, true, out);
    store_reset(st);
    return e;
}

enum err change_rows_list(struct store *s, struct arena *a, const struct change_page *page,
                          struct change *items, size_t *n)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            COLUMNS " FROM policy_change WHERE (?1 = 0 OR ended_ms = 0)"
                                    " AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, page->only_open);
    store_bind_u64(st, 2, page->before);
    store_bind_u64(st, 3, *n);
    size_t got = 0;
    while ((e = store_step(s, st)) == OK) {
        e = read_change(st, a, false, &items[got]);
        if (e != OK) {
            store_reset(st);
            return e;
        }
        got++;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *n = got;
    return OK;
}

enum err change_rows_next_due(struct store *s, int64_t *at_ms)
{
    uint64_t at = 0;
    enum err e = store_u64(s,
                           "SELECT publish_at_ms FROM policy_change WHERE ended_ms = 0"
                           " AND state = 1 ORDER BY publish_at_ms LIMIT 1",
                           &at);
    *at_ms = (int64_t)at;
    return e;
}

enum err change_rows_n_open(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT count(*) FROM policy_change WHERE ended_ms = 0", out);
}

/* proxyd may be newer than the store: it then has no such table yet. */
static enum err has_table(struct store *s)
{
    uint64_t n = 0;
    enum err e =
        store_u64(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'policy_change'", &n);
    return e == OK && !n ? ERR_NOT_FOUND : e;
}

enum err change_rows_canary(struct store *s, struct arena *a, struct change *out)
{
    struct sqlite3_stmt *st;
    enum err e = has_table(s);
    if (e == OK)
        e = store_stmt(s, COLUMNS " FROM policy_change WHERE state = 3", &st);
    if (e == OK)
        e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_change(st, a, false, out);
    store_reset(st);
    return e;
}

enum err change_rows_canary_version(struct store *s, uint64_t *out)
{
    enum err e = has_table(s);
    *out = 0;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    return store_u64(s, "SELECT coalesce((SELECT version FROM policy_change WHERE state = 3), 0)",
                     out);
}

/* --- moving on --- */

enum err change_rows_move(struct store *s, const struct change *c, enum change_state from)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s,
        "UPDATE policy_change SET state = ?1, publish_at_ms = ?2, version = ?3, since_ms = ?4,"
        " until_ms = ?5, report = ?6, message = ?7, ended_ms = ?8, base_version = ?11,"
        " document = CASE WHEN ?3 > 0 OR ?8 > 0 THEN '' ELSE document END"
        " WHERE id = ?9 AND state = ?10",
        &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, c->state);
    store_bind_i64(st, 2, c->publish_at_ms);
    store_bind_u64(st, 3, c->version);
    store_bind_i64(st, 4, c->since_ms);
    store_bind_i64(st, 5, c->until_ms);
    store_bind_str(st, 6, c->report);
    store_bind_str(st, 7, c->message);
    store_bind_i64(st, 8, c->ended_ms);
    store_bind_u64(st, 9, c->id);
    store_bind_u64(st, 10, from);
    store_bind_u64(st, 11, c->base_version);
    e = store_run(s, st);
    if (e == OK && store_changes(s) == 0)
        e = store_fail(s, ERR_CONFLICT, "change %llu is no longer %s", (unsigned long long)c->id,
                       state_names[from]);
    if (e == ERR_EXISTS)
        e = store_fail(s, ERR_CONFLICT, "another version is on trial already");
    return e;
}

/* --- what people said --- */

enum err change_rows_approve(struct store *s, uint64_t id, const struct change_approval *a)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO policy_approval SELECT ?1, coalesce(max(seq), 0) + 1, ?2,"
                            " ?3, ?4, ?5, ?6 FROM policy_approval WHERE change = ?1",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, id);
    store_bind_str(st, 2, a->author);
    store_bind_str(st, 3, a->person);
    store_bind_i64(st, 4, a->at_ms);
    store_bind_u64(st, 5, a->is_approved);
    store_bind_str(st, 6, a->comment);
    return store_run(s, st);
}

enum err change_rows_approvals(struct store *s, struct arena *a, uint64_t id,
                               struct change_approval *items, size_t *n)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "SELECT author, person, comment, at_ms, is_approved FROM"
                            " policy_approval WHERE change = ?1 ORDER BY seq LIMIT ?2",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, id);
    store_bind_u64(st, 2, *n);
    size_t got = 0;
    while ((e = store_step(s, st)) == OK) {
        struct change_approval x = {.at_ms = store_column_i64(st, 3),
                                    .is_approved = store_column_u64(st, 4) != 0};
        e = store_column_copy(st, 0, a, &x.author);
        if (e == OK)
            e = store_column_copy(st, 1, a, &x.person);
        if (e == OK)
            e = store_column_copy(st, 2, a, &x.comment);
        if (e != OK) {
            store_reset(st);
            return e;
        }
        items[got++] = x;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *n = got;
    return OK;
}
