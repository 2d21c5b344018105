/* settings_rows: named documents with a version. */
#include "db/settings_rows.h"

enum err settings_rows_get(struct store *s, struct arena *a, struct str name,
                           struct settings_row *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s, "SELECT name, document, author, version, at_ms FROM settings WHERE name = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, name);
    e = store_step(s, st);
    if (e != OK)
        return e;
    struct settings_row r = {.version = store_column_u64(st, 3), .at_ms = store_column_i64(st, 4)};
    e = store_column_copy(st, 0, a, &r.name);
    if (e == OK)
        e = store_column_copy(st, 1, a, &r.document);
    if (e == OK)
        e = store_column_copy(st, 2, a, &r.author);
    store_reset(st);
    if (e == OK)
        *out = r;
    return e;
}

static enum err write_row(struct store *s, const struct settings_row *r, uint64_t expected)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            expected ? "UPDATE settings SET document = ?2, author = ?3, at_ms = ?4,"
                                       " version = version + 1 WHERE name = ?1 AND version = ?5"
                                     : "INSERT INTO settings SELECT ?1, ?2, ?3, 1, ?4 WHERE ?5 = 0",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, r->name);
    store_bind_str(st, 2, r->document);
    store_bind_str(st, 3, r->author);
    store_bind_i64(st, 4, r->at_ms);
    store_bind_u64(st, 5, expected);
    e = store_run(s, st);
    if (e == ERR_EXISTS || (e == OK && store_changes(s) == 0))
        return store_fail(s, ERR_CONFLICT, "these settings were changed meanwhile");
    return e;
}

enum err settings_rows_put(struct store *s, const struct settings_row *r, uint64_t expected,
                           uint64_t *version)
{
    enum err e = write_row(s, r, expected);
    if (e == OK && version)
        *version = expected + 1;
    return e;
}

enum err settings_rows_stamp(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT coalesce(sum(version), 0) FROM settings", out);
}
