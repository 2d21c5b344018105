/* identity_rows: local people. */
#include "db/identity_rows.h"

#include "db/row.h"

#define COLUMNS                                                                                    \
    "SELECT name, hash, groups, comment, enabled, revision, created_ms, updated_ms FROM person"

static void read_user(struct row *r, void *item)
{
    *(struct identity_user *)item = (struct identity_user){.name = row_text(r, 0),
                                                           .hash = row_text(r, 1),
                                                           .groups = row_text(r, 2),
                                                           .comment = row_text(r, 3),
                                                           .enabled = row_bool(r, 4),
                                                           .revision = row_u64(r, 5),
                                                           .created_ms = row_i64(r, 6),
                                                           .updated_ms = row_i64(r, 7)};
}

enum err identity_rows_get(struct store *s, struct arena *a, struct str name,
                           struct identity_user *out)
{
    return row_one(s, ROW_SQL(COLUMNS " WHERE name = ?1", ROW_TEXT(name)),
                   ROW_INTO(read_user, a, out));
}

enum err identity_rows_list(struct store *s, struct arena *a, const struct identity_page *page,
                            struct identity_user *items, size_t *n)
{
    return row_list(s,
                    ROW_SQL(COLUMNS " WHERE name > ?2 AND (?1 = '' OR"
                                    "  instr(lower(name), lower(?1)) OR"
                                    "  instr(lower(comment), lower(?1)))"
                                    " ORDER BY name LIMIT ?3",
                            ROW_TEXT(page->query), ROW_TEXT(page->after), ROW_INT(*n)),
                    ROW_INTO(read_user, a, items), n);
}

/* One change and the counter, together. */
static enum err change(struct store *s, const struct row_sql *q)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = row_change(s, q);
    if (e == OK)
        e = store_exec(s, "INSERT INTO meta VALUES('people', 1)"
                          " ON CONFLICT(name) DO UPDATE SET value = value + 1");
    return store_end(s, e);
}

enum err identity_rows_create(struct store *s, const struct identity_user *u)
{
    enum err e =
        change(s, ROW_SQL("INSERT INTO person VALUES(?1, ?2, ?3, ?4, ?5, 1, ?6, ?6)",
                          ROW_TEXT(u->name), ROW_TEXT(u->hash), ROW_TEXT(u->groups),
                          ROW_TEXT(u->comment), ROW_INT(u->enabled), ROW_INT(u->updated_ms)));
    return e == ERR_EXISTS ? store_fail(s, e, "there is a user of this name already") : e;
}

enum err identity_rows_update(struct store *s, const struct identity_user *u)
{
    uint64_t one;
    enum err e = change(
        s, ROW_SQL("UPDATE person SET hash = CASE ?2 WHEN '' THEN hash ELSE ?2 END, groups = ?3,"
                   "  comment = ?4, enabled = ?5, updated_ms = ?6, revision = revision + 1"
                   " WHERE name = ?1 AND (?7 = 0 OR revision = ?7)",
                   ROW_TEXT(u->name), ROW_TEXT(u->hash), ROW_TEXT(u->groups), ROW_TEXT(u->comment),
                   ROW_INT(u->enabled), ROW_INT(u->updated_ms), ROW_INT(u->revision)));
    if (e != ERR_NOT_FOUND)
        return e;
    e = row_number(s, ROW_SQL("SELECT 1 FROM person WHERE name = ?1", ROW_TEXT(u->name)), &one);
    return e == OK ? store_fail(s, ERR_CONFLICT, "this user was changed meanwhile") : e;
}

enum err identity_rows_delete(struct store *s, struct str name)
{
    return change(s, ROW_SQL("DELETE FROM person WHERE name = ?1", ROW_TEXT(name)));
}

enum err identity_rows_counter(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT coalesce((SELECT value FROM meta WHERE name = 'people'), 0)", out);
}

enum err identity_rows_count(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT count(*) FROM person", out);
}
