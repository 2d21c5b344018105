/* policy_rows: draft, versions, live pointer. */
#include "db/policy_rows.h"

#include <stdio.h>

static enum err copy3(struct sqlite3_stmt *st, struct arena *a, struct str *const out[3],
                      const int at[3])
{
    for (int i = 0; i < 3; i++) {
        enum err e = store_column_copy(st, at[i], a, out[i]);
        if (e != OK)
            return e;
    }
    return OK;
}

/* --- draft --- */

enum err policy_rows_draft(struct store *s, struct arena *a, struct policy_draft *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s, "SELECT document, author, at_ms, revision, base_version FROM policy_draft", &st);
    if (e == OK)
        e = store_step(s, st);
    if (e != OK)
        return e;
    struct policy_draft d = {.at_ms = store_column_i64(st, 2),
                             .revision = store_column_u64(st, 3),
                             .base_version = store_column_u64(st, 4)};
    e = store_column_copy(st, 0, a, &d.document);
    if (e == OK)
        e = store_column_copy(st, 1, a, &d.author);
    store_reset(st);
    if (e == OK)
        *out = d;
    return e;
}

/* The draft must be at this revision; 0 stands for "there is none". */
static enum err expect_revision(struct store *s, uint64_t expected)
{
    uint64_t now = 0;
    enum err e = store_u64(s, "SELECT revision FROM policy_draft", &now);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    return now == expected ? OK
                           : store_fail(s, ERR_CONFLICT,
                                        "the draft was changed meanwhile (it is at revision %llu)",
                                        (unsigned long long)now);
}

static enum err write_draft(struct store *s, const struct policy_draft *d, uint64_t expected)
{
    enum err e = expect_revision(s, expected);
    if (e != OK)
        return e;
    struct sqlite3_stmt *st;
    e = store_stmt(s,
                   "INSERT INTO policy_draft VALUES(1, ?1, ?2, ?3, ?4,"
                   "  coalesce((SELECT version FROM policy_live), 0))"
                   " ON CONFLICT(one) DO UPDATE SET document=?1, author=?2, at_ms=?3, revision=?4,"
                   "  base_version=excluded.base_version",
                   &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, d->document);
    store_bind_str(st, 2, d->author);
    store_bind_i64(st, 3, d->at_ms);
    store_bind_u64(st, 4, expected + 1);
    return store_run(s, st);
}

enum err policy_rows_put_draft(struct store *s, const struct policy_draft *d, uint64_t expected,
                               uint64_t *revision)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = write_draft(s, d, expected);
    if (e != OK) {
        store_rollback(s);
        return e;
    }
    e = store_commit(s);
    if (e == OK)
        *revision = expected + 1;
    return e;
}

enum err policy_rows_touch_draft(struct store *s, uint64_t expected)
{
    struct sqlite3_stmt *st;
    enum err e = expect_revision(s, expected);
    if (e == OK)
        e = store_stmt(s, "UPDATE policy_draft SET revision = revision + 1", &st);
    return e == OK ? store_run(s, st) : e;
}

/* --- publishing --- */

static void bind_publish(struct sqlite3_stmt *st, const struct policy_publish *p)
{
    store_bind_str(st, 1, p->comment);
    store_bind_str(st, 2, p->author);
    store_bind_i64(st, 3, p->at_ms);
    store_bind_u64(st, 4, p->n_rules);
}

enum err policy_rows_make_live(struct store *s, uint64_t version)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO policy_live SELECT 1, version FROM policy_version"
                            " WHERE version = ?1 ON CONFLICT(one) DO UPDATE SET version=?1",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, version);
    e = store_run(s, st);
    if (e == OK && store_changes(s) == 0)
        e = store_fail(s, ERR_NOT_FOUND, "there is no version %llu", (unsigned long long)version);
    return e;
}

static enum err make_live(struct store *s, uint64_t *version)
{
    uint64_t newest = store_last_rowid(s);
    enum err e = policy_rows_make_live(s, newest);
    if (e == OK)
        *version = newest;
    return e;
}

static enum err publish_draft(struct store *s, uint64_t draft_revision,
                              const struct policy_publish *p, uint64_t *version)
{
    enum err e = expect_revision(s, draft_revision);
    if (e != OK)
        return e;
    struct sqlite3_stmt *st;
    e = store_stmt(s,
                   "INSERT INTO policy_version(document, comment, author, at_ms, rolled_back_from,"
                   "  n_rules) SELECT document, ?1, ?2, ?3, 0, ?4 FROM policy_draft",
                   &st);
    if (e != OK)
        return e;
    bind_publish(st, p);
    e = store_run(s, st);
    if (e == OK && store_changes(s) == 0)
        e = store_fail(s, ERR_NOT_FOUND, "there is no draft to publish");
    if (e == OK)
        e = make_live(s, version);
    return e == OK ? store_exec(s, "UPDATE policy_draft SET base_version ="
                                   " (SELECT version FROM policy_live)")
                   : e;
}

static enum err publish_copy(struct store *s, uint64_t old_version, const struct policy_publish *p,
                             uint64_t *version)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO policy_version(document, comment, author, at_ms,"
                            "  rolled_back_from, n_rules) SELECT document, ?1, ?2, ?3, version,"
                            "  n_rules FROM policy_version WHERE version = ?5 AND ?4 >= 0",
                            &st);
    if (e != OK)
        return e;
    bind_publish(st, p);
    store_bind_u64(st, 5, old_version);
    e = store_run(s, st);
    if (e == OK && store_changes(s) == 0)
        e = store_fail(s, ERR_NOT_FOUND, "there is no version %llu",
                       (unsigned long long)old_version);
    return e == OK ? make_live(s, version) : e;
}

static enum err in_transaction(struct store *s,
                               enum err (*step)(struct store *, uint64_t,
                                                const struct policy_publish *, uint64_t *),
                               uint64_t which, const struct policy_publish *p, uint64_t *version)
{
    uint64_t made = 0;
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = step(s, which, p, &made);
    if (e != OK) {
        store_rollback(s);
        return e;
    }
    e = store_commit(s);
    if (e == OK)
        *version = made;
    return e;
}

enum err policy_rows_publish(struct store *s, uint64_t draft_revision,
                             const struct policy_publish *p, uint64_t *version)
{
    return in_transaction(s, publish_draft, draft_revision, p, version);
}

enum err policy_rows_rollback(struct store *s, uint64_t old_version, const struct policy_publish *p,
                              uint64_t *version)
{
    return in_transaction(s, publish_copy, old_version, p, version);
}

static enum err publish_text(struct store *s, const struct policy_text *t,
                             const struct policy_publish *p, uint64_t *version)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO policy_version(document, comment, author, at_ms,"
                            "  rolled_back_from, n_rules) VALUES(?5, ?1, ?2, ?3, ?6, ?4)",
                            &st);
    if (e != OK)
        return e;
    bind_publish(st, p);
    store_bind_str(st, 5, t->document);
    store_bind_u64(st, 6, t->copy_of);
    e = store_run(s, st);
    if (e == OK)
        *version = store_last_rowid(s);
    return e == OK && !t->is_trial ? make_live(s, version) : e;
}

enum err policy_rows_publish_text(struct store *s, const struct policy_text *t,
                                  const struct policy_publish *p, uint64_t *version)
{
    uint64_t made = 0;
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = publish_text(s, t, p, &made);
    if (e != OK) {
        store_rollback(s);
        return e;
    }
    e = store_commit(s);
    if (e == OK)
        *version = made;
    return e;
}

/* --- versions --- */

#define VERSION_COLUMNS                                                                            \
    "SELECT v.version, v.comment, v.author, v.at_ms, v.rolled_back_from, v.n_rules,"               \
    " v.version = coalesce((SELECT version FROM policy_live), 0)"

static enum err read_version(struct sqlite3_stmt *st, struct arena *a, bool has_document,
                             struct policy_version *out)
{
    struct policy_version v = {.version = store_column_u64(st, 0),
                               .document = {"", 0},
                               .at_ms = store_column_i64(st, 3),
                               .rolled_back_from = store_column_u64(st, 4),
                               .n_rules = (uint32_t)store_column_u64(st, 5),
                               .is_live = store_column_u64(st, 6) != 0};
    struct str unused;
    struct str *const texts[3] = {&v.comment, &v.author, has_document ? &v.document : &unused};
    const int at[3] = {1, 2, has_document ? 7 : 1};
    enum err e = copy3(st, a, texts, at);
    if (e == OK)
        *out = v;
    return e;
}

enum err policy_rows_version(struct store *s, struct arena *a, uint64_t version,
                             struct policy_version *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s, VERSION_COLUMNS ", v.document FROM policy_version v WHERE v.version = ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, version);
    e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_version(st, a, true, out);
    store_reset(st);
    return e;
}

enum err policy_rows_copy_of(struct store *s, uint64_t version, uint64_t *out)
{
    struct sqlite3_stmt *st;
    enum err e =
        store_stmt(s, "SELECT rolled_back_from FROM policy_version WHERE version = ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, version);
    e = store_step(s, st);
    *out = e == OK ? store_column_u64(st, 0) : 0;
    store_reset(st);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err policy_rows_live_number(struct store *s, uint64_t *version)
{
    return store_u64(s, "SELECT coalesce((SELECT version FROM policy_live), 0)", version);
}

enum err policy_rows_live(struct store *s, struct arena *a, struct policy_version *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s, VERSION_COLUMNS ", v.document FROM policy_version v JOIN policy_live USING(version)",
        &st);
    if (e == OK)
        e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_version(st, a, true, out);
    store_reset(st);
    return e;
}

enum err policy_rows_versions(struct store *s, struct arena *a, uint64_t before,
                              struct policy_version *items, size_t *n)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            VERSION_COLUMNS " FROM policy_version v WHERE ?1 = 0 OR v.version < ?1"
                                            " ORDER BY v.version DESC LIMIT ?2",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, before);
    store_bind_u64(st, 2, *n);
    size_t got = 0;
    while ((e = store_step(s, st)) == OK) {
        e = read_version(st, a, false, &items[got]);
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
