/* settings_rows: named documents with a version. */
#include "db/settings_rows.h"

#include "db/row.h"

static void read_settings(struct row *r, void *item)
{
    *(struct settings_row *)item = (struct settings_row){.name = row_text(r, 0),
                                                         .document = row_text(r, 1),
                                                         .author = row_text(r, 2),
                                                         .version = row_u64(r, 3),
                                                         .at_ms = row_i64(r, 4)};
}

enum err settings_rows_get(struct store *s, struct arena *a, struct str name,
                           struct settings_row *out)
{
    return row_one(
        s,
        ROW_SQL("SELECT name, document, author, version, at_ms FROM settings WHERE name = ?1",
                ROW_TEXT(name)),
        ROW_INTO(read_settings, a, out));
}

enum err settings_rows_put(struct store *s, const struct settings_row *r, uint64_t expected,
                           uint64_t *version)
{
    enum err e = row_change(
        s, ROW_SQL(expected ? "UPDATE settings SET document = ?2, author = ?3, at_ms = ?4,"
                              " version = version + 1 WHERE name = ?1 AND version = ?5"
                            : "INSERT INTO settings SELECT ?1, ?2, ?3, 1, ?4 WHERE ?5 = 0",
                   ROW_TEXT(r->name), ROW_TEXT(r->document), ROW_TEXT(r->author), ROW_INT(r->at_ms),
                   ROW_INT(expected)));
    if (e == ERR_EXISTS || e == ERR_NOT_FOUND)
        return store_fail(s, ERR_CONFLICT, "these settings were changed meanwhile");
    if (e == OK && version)
        *version = expected + 1;
    return e;
}

enum err settings_rows_stamp(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT coalesce(sum(version), 0) FROM settings", out);
}
