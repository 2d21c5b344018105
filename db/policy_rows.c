/* policy_rows: draft, versions, live pointer. */
#include "db/policy_rows.h"

#include "db/row.h"

/* --- draft --- */

static void read_draft(struct row *r, void *item)
{
    *(struct policy_draft *)item = (struct policy_draft){.document = row_text(r, 0),
                                                         .author = row_text(r, 1),
                                                         .at_ms = row_i64(r, 2),
                                                         .revision = row_u64(r, 3),
                                                         .base_version = row_u64(r, 4)};
}

enum err policy_rows_draft(struct store *s, struct arena *a, struct policy_draft *out)
{
    return row_one(
        s, ROW_PLAIN("SELECT document, author, at_ms, revision, base_version FROM policy_draft"),
        ROW_INTO(read_draft, a, out));
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
    return row_run(
        s, ROW_SQL("INSERT INTO policy_draft VALUES(1, ?1, ?2, ?3, ?4,"
                   "  coalesce((SELECT version FROM policy_live), 0))"
                   " ON CONFLICT(one) DO UPDATE SET document=?1, author=?2, at_ms=?3, revision=?4,"
                   "  base_version=excluded.base_version",
                   ROW_TEXT(d->document), ROW_TEXT(d->author), ROW_INT(d->at_ms),
                   ROW_INT(expected + 1)));
}

enum err policy_rows_put_draft(struct store *s, const struct policy_draft *d, uint64_t expected,
                               uint64_t *revision)
{
    enum err e = store_begin(s);
    if (e == OK)
        e = store_end(s, write_draft(s, d, expected));
    if (e == OK)
        *revision = expected + 1;
    return e;
}

enum err policy_rows_touch_draft(struct store *s, uint64_t expected)
{
    enum err e = expect_revision(s, expected);
    return e == OK ? row_run(s, ROW_PLAIN("UPDATE policy_draft SET revision = revision + 1")) : e;
}

/* --- publishing --- */

static enum err no_version(struct store *s, uint64_t version)
{
    return store_fail(s, ERR_NOT_FOUND, "there is no version %llu", (unsigned long long)version);
}

enum err policy_rows_make_live(struct store *s, uint64_t version)
{
    enum err e =
        row_change(s, ROW_SQL("INSERT INTO policy_live SELECT 1, version FROM policy_version"
                              " WHERE version = ?1 ON CONFLICT(one) DO UPDATE SET version=?1",
                              ROW_INT(version)));
    return e == ERR_NOT_FOUND ? no_version(s, version) : e;
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
    e = row_change(
        s,
        ROW_SQL("INSERT INTO policy_version(document, comment, author, at_ms, rolled_back_from,"
                "  n_rules) SELECT document, ?1, ?2, ?3, 0, ?4 FROM policy_draft",
                ROW_TEXT(p->comment), ROW_TEXT(p->author), ROW_INT(p->at_ms), ROW_INT(p->n_rules)));
    if (e == ERR_NOT_FOUND)
        e = store_fail(s, e, "there is no draft to publish");
    if (e == OK)
        e = make_live(s, version);
    return e == OK ? store_exec(s, "UPDATE policy_draft SET base_version ="
                                   " (SELECT version FROM policy_live)")
                   : e;
}

static enum err publish_copy(struct store *s, uint64_t old_version, const struct policy_publish *p,
                             uint64_t *version)
{
    enum err e =
        row_change(s, ROW_SQL("INSERT INTO policy_version(document, comment, author, at_ms,"
                              "  rolled_back_from, n_rules) SELECT document, ?1, ?2, ?3, version,"
                              "  n_rules FROM policy_version WHERE version = ?4",
                              ROW_TEXT(p->comment), ROW_TEXT(p->author), ROW_INT(p->at_ms),
                              ROW_INT(old_version)));
    if (e == ERR_NOT_FOUND)
        return no_version(s, old_version);
    return e == OK ? make_live(s, version) : e;
}

static enum err publish_text(struct store *s, const struct policy_text *t,
                             const struct policy_publish *p, uint64_t *version)
{
    enum err e = row_add(s,
                         ROW_SQL("INSERT INTO policy_version(document, comment, author, at_ms,"
                                 "  rolled_back_from, n_rules) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                                 ROW_TEXT(t->document), ROW_TEXT(p->comment), ROW_TEXT(p->author),
                                 ROW_INT(p->at_ms), ROW_INT(t->copy_of), ROW_INT(p->n_rules)),
                         version);
    return e == OK && !t->is_trial ? make_live(s, version) : e;
}

enum err policy_rows_publish(struct store *s, uint64_t draft_revision,
                             const struct policy_publish *p, uint64_t *version)
{
    uint64_t made = 0;
    enum err e = store_begin(s);
    if (e == OK)
        e = store_end(s, publish_draft(s, draft_revision, p, &made));
    if (e == OK)
        *version = made;
    return e;
}

enum err policy_rows_rollback(struct store *s, uint64_t old_version, const struct policy_publish *p,
                              uint64_t *version)
{
    uint64_t made = 0;
    enum err e = store_begin(s);
    if (e == OK)
        e = store_end(s, publish_copy(s, old_version, p, &made));
    if (e == OK)
        *version = made;
    return e;
}

enum err policy_rows_publish_text(struct store *s, const struct policy_text *t,
                                  const struct policy_publish *p, uint64_t *version)
{
    uint64_t made = 0;
    enum err e = store_begin(s);
    if (e == OK)
        e = store_end(s, publish_text(s, t, p, &made));
    if (e == OK)
        *version = made;
    return e;
}

/* --- versions --- */

#define VERSION(document)                                                                          \
    "SELECT v.version, v.comment, v.author, v.at_ms, v.rolled_back_from, v.n_rules,"               \
    " v.version = coalesce((SELECT version FROM policy_live), 0), " document                       \
    " FROM policy_version v "

static void read_version(struct row *r, void *item)
{
    *(struct policy_version *)item = (struct policy_version){.version = row_u64(r, 0),
                                                             .comment = row_text(r, 1),
                                                             .author = row_text(r, 2),
                                                             .at_ms = row_i64(r, 3),
                                                             .rolled_back_from = row_u64(r, 4),
                                                             .n_rules = (uint32_t)row_u64(r, 5),
                                                             .is_live = row_bool(r, 6),
                                                             .document = row_text(r, 7)};
}

enum err policy_rows_version(struct store *s, struct arena *a, uint64_t version,
                             struct policy_version *out)
{
    return row_one(s, ROW_SQL(VERSION("v.document") "WHERE v.version = ?1", ROW_INT(version)),
                   ROW_INTO(read_version, a, out));
}

enum err policy_rows_copy_of(struct store *s, uint64_t version, uint64_t *out)
{
    return row_number(s,
                      ROW_SQL("SELECT coalesce((SELECT rolled_back_from FROM policy_version"
                              " WHERE version = ?1), 0)",
                              ROW_INT(version)),
                      out);
}

enum err policy_rows_live_number(struct store *s, uint64_t *version)
{
    return store_u64(s, "SELECT coalesce((SELECT version FROM policy_live), 0)", version);
}

enum err policy_rows_live(struct store *s, struct arena *a, struct policy_version *out)
{
    return row_one(s, ROW_PLAIN(VERSION("v.document") "JOIN policy_live USING(version)"),
                   ROW_INTO(read_version, a, out));
}

enum err policy_rows_versions(struct store *s, struct arena *a, uint64_t before,
                              struct policy_version *items, size_t *n)
{
    return row_list(
        s,
        ROW_SQL(VERSION("''") "WHERE ?1 = 0 OR v.version < ?1 ORDER BY v.version DESC LIMIT ?2",
                ROW_INT(before), ROW_INT(*n)),
        ROW_INTO(read_version, a, items), n);
}
