/* identity_rows: local people. */
#include "db/identity_rows.h"

#define COLUMNS                                                                                    \
    "SELECT name, hash, groups, comment, enabled, revision, created_ms, updated_ms FROM person"

static enum err read_user(struct sqlite3_stmt *st, struct arena *a, struct identity_user *out)
{
    struct identity_user u = {.enabled = store_column_u64(st, 4) != 0,
                              .revision = store_column_u64(st, 5),
                              .created_ms = store_column_i64(st, 6),
                              .updated_ms = store_column_i64(st, 7)};
    struct str *const texts[4] = {&u.name, &u.hash, &u.groups, &u.comment};
    for (int i = 0; i < 4; i++) {
        enum err e = store_column_copy(st, i, a, texts[i]);
        if (e != OK)
            return e;
    }
    *out = u;
    return OK;
}

enum err identity_rows_get(struct store *s, struct arena *a, struct str name,
                           struct identity_user *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, COLUMNS " WHERE name = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, name);
    e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_user(st, a, out);
    store_reset(st);
    return e;
}

enum err identity_rows_list(struct store *s, struct arena *a, const struct identity_page *page,
                            struct identity_user *items, size_t *n)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            COLUMNS " WHERE name > ?2 AND (?1 = '' OR"
                                    "  instr(lower(name), lower(?1)) OR"
                                    "  instr(lower(comment), lower(?1)))"
                                    " ORDER BY name LIMIT ?3",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, page->query);
    store_bind_str(st, 2, page->after);
    store_bind_u64(st, 3, *n);
    size_t got = 0;
    while ((e = store_step(s, st)) == OK) {
        e = read_user(st, a, &items[got]);
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

/* One change and the counter, together. */
static enum err change(struct store *s, struct sqlite3_stmt *st)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = store_run(s, st);
    if (e == OK && store_changes(s) == 0)
        e = ERR_NOT_FOUND;
    if (e == OK)
        e = store_exec(s, "INSERT INTO meta VALUES('people', 1)"
                          " ON CONFLICT(name) DO UPDATE SET value = value + 1");
    if (e != OK) {
        store_rollback(s);
        return e;
    }
    return store_commit(s);
}

static void bind_user(struct sqlite3_stmt *st, const struct identity_user *u)
{
    store_bind_str(st, 1, u->name);
    store_bind_str(st, 2, u->hash);
    store_bind_str(st, 3, u->groups);
    store_bind_str(st, 4, u->comment);
    store_bind_u64(st, 5, u->enabled);
    store_bind_i64(st, 6, u->updated_ms);
}

enum err identity_rows_create(struct store *s, const struct identity_user *u)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "INSERT INTO person VALUES(?1, ?2, ?3, ?4, ?5, 1, ?6, ?6)", &st);
    if (e != OK)
        return e;
    bind_user(st, u);
    e = change(s, st);
    return e == ERR_EXISTS ? store_fail(s, e, "there is a user of this name already") : e;
}

enum err identity_rows_update(struct store *s, const struct identity_user *u)
{
    struct sqlite3_stmt *st;
    enum err e =
        store_stmt(s,
                   "UPDATE person SET hash = CASE ?2 WHEN '' THEN hash ELSE ?2 END, groups = ?3,"
                   "  comment = ?4, enabled = ?5, updated_ms = ?6, revision = revision + 1"
                   " WHERE name = ?1 AND (?7 = 0 OR revision = ?7)",
                   &st);
    if (e != OK)
        return e;
    bind_user(st, u);
    store_bind_u64(st, 7, u->revision);
    e = change(s, st);
    if (e != ERR_NOT_FOUND)
        return e;
    struct sqlite3_stmt *look;
    e = store_stmt(s, "SELECT 1 FROM person WHERE name = ?1", &look);
    if (e != OK)
        return e;
    store_bind_str(look, 1, u->name);
    e = store_step(s, look);
    store_reset(look);
    return e == OK ? store_fail(s, ERR_CONFLICT, "this user was changed meanwhile") : e;
}

enum err identity_rows_delete(struct store *s, struct str name)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "DELETE FROM person WHERE name = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, name);
    return change(s, st);
}

enum err identity_rows_counter(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT coalesce((SELECT value FROM meta WHERE name = 'people'), 0)", out);
}

enum err identity_rows_count(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT count(*) FROM person", out);
}
