/* change_rows: one table of changes, one of what people said to them. */
#include "db/change_rows.h"

#include "db/row.h"

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
    return row_add(s,
                   ROW_SQL("INSERT INTO policy_change VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
                           " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
                           ROW_INT(c->kind), ROW_INT(c->state), ROW_TEXT(c->document),
                           ROW_INT(c->n_rules), ROW_TEXT(c->comment), ROW_TEXT(c->author),
                           ROW_TEXT(c->person), ROW_TEXT(c->reason), ROW_INT(c->flags),
                           ROW_INT(c->at_ms), ROW_INT(c->publish_at_ms), ROW_INT(c->base_version),
                           ROW_INT(c->copy_of), ROW_INT(c->version), ROW_TEXT(c->canary),
                           ROW_INT(c->canary_ms), ROW_INT(c->since_ms), ROW_INT(c->until_ms),
                           ROW_TEXT(c->replay), ROW_TEXT(c->report), ROW_TEXT(c->message),
                           ROW_INT(c->ended_ms)),
                   id);
}

/* --- reading --- */

#define CHANGE(document)                                                                           \
    "SELECT id, kind, state, n_rules, flags, at_ms, publish_at_ms, base_version, copy_of,"         \
    " version, canary_ms, since_ms, until_ms, ended_ms,"                                           \
    " comment, author, person, reason, canary, replay, report, message, " document                 \
    " FROM policy_change "

static void read_change(struct row *r, void *item)
{
    *(struct change *)item =
        (struct change){.id = row_u64(r, 0),
                        .kind = (enum change_kind)row_enum(r, 1, CHANGE_SETTINGS),
                        .state = (enum change_state)row_enum(r, 2, CHANGE_STATES - 1),
                        .n_rules = (uint32_t)row_u64(r, 3),
                        .flags = (unsigned)row_u64(r, 4),
                        .at_ms = row_i64(r, 5),
                        .publish_at_ms = row_i64(r, 6),
                        .base_version = row_u64(r, 7),
                        .copy_of = row_u64(r, 8),
                        .version = row_u64(r, 9),
                        .canary_ms = row_i64(r, 10),
                        .since_ms = row_i64(r, 11),
                        .until_ms = row_i64(r, 12),
                        .ended_ms = row_i64(r, 13),
                        .comment = row_text(r, 14),
                        .author = row_text(r, 15),
                        .person = row_text(r, 16),
                        .reason = row_text(r, 17),
                        .canary = row_text(r, 18),
                        .replay = row_text(r, 19),
                        .report = row_text(r, 20),
                        .message = row_text(r, 21),
                        .document = row_text(r, 22)};
}

enum err change_rows_get(struct store *s, struct arena *a, uint64_t id, struct change *out)
{
    return row_one(s, ROW_SQL(CHANGE("document") "WHERE id = ?1", ROW_INT(id)),
                   ROW_INTO(read_change, a, out));
}

enum err change_rows_list(struct store *s, struct arena *a, const struct change_page *page,
                          struct change *items, size_t *n)
{
    return row_list(s,
                    ROW_SQL(CHANGE("''") "WHERE (?1 = 0 OR ended_ms = 0)"
                                         " AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3",
                            ROW_INT(page->only_open), ROW_INT(page->before), ROW_INT(*n)),
                    ROW_INTO(read_change, a, items), n);
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
    enum err e = has_table(s);
    return e == OK ? row_one(s, ROW_PLAIN(CHANGE("''") "WHERE state = 3"),
                             ROW_INTO(read_change, a, out))
                   : e;
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
    enum err e = row_change(
        s,
        ROW_SQL(
            "UPDATE policy_change SET state = ?1, publish_at_ms = ?2, version = ?3, since_ms = ?4,"
            " until_ms = ?5, report = ?6, message = ?7, ended_ms = ?8, base_version = ?11,"
            " document = CASE WHEN ?3 > 0 OR ?8 > 0 THEN '' ELSE document END"
            " WHERE id = ?9 AND state = ?10",
            ROW_INT(c->state), ROW_INT(c->publish_at_ms), ROW_INT(c->version), ROW_INT(c->since_ms),
            ROW_INT(c->until_ms), ROW_TEXT(c->report), ROW_TEXT(c->message), ROW_INT(c->ended_ms),
            ROW_INT(c->id), ROW_INT(from), ROW_INT(c->base_version)));
    if (e == ERR_NOT_FOUND)
        return store_fail(s, ERR_CONFLICT, "change %llu is no longer %s", (unsigned long long)c->id,
                          state_names[from]);
    if (e == ERR_EXISTS)
        return store_fail(s, ERR_CONFLICT, "another version is on trial already");
    return e;
}

/* --- what people said --- */

enum err change_rows_approve(struct store *s, uint64_t id, const struct change_approval *a)
{
    return row_run(s,
                   ROW_SQL("INSERT INTO policy_approval SELECT ?1, coalesce(max(seq), 0) + 1, ?2,"
                           " ?3, ?4, ?5, ?6 FROM policy_approval WHERE change = ?1",
                           ROW_INT(id), ROW_TEXT(a->author), ROW_TEXT(a->person), ROW_INT(a->at_ms),
                           ROW_INT(a->is_approved), ROW_TEXT(a->comment)));
}

static void read_approval(struct row *r, void *item)
{
    *(struct change_approval *)item = (struct change_approval){.author = row_text(r, 0),
                                                               .person = row_text(r, 1),
                                                               .comment = row_text(r, 2),
                                                               .at_ms = row_i64(r, 3),
                                                               .is_approved = row_bool(r, 4)};
}

enum err change_rows_approvals(struct store *s, struct arena *a, uint64_t id,
                               struct change_approval *items, size_t *n)
{
    return row_list(s,
                    ROW_SQL("SELECT author, person, comment, at_ms, is_approved FROM"
                            " policy_approval WHERE change = ?1 ORDER BY seq LIMIT ?2",
                            ROW_INT(id), ROW_INT(*n)),
                    ROW_INTO(read_approval, a, items), n);
}
