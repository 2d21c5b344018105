/* backup: copying out. The copy is made by VACUUM INTO, then what must not leave is taken out of
 * it with secure_delete, so that no byte of it stays in the file. */
#include "db/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/policy_store.h"
#include "db/row.h"
#include "db/settings_secret.h"

static char *without_secrets(struct str document)
{
    json_t *j = json_loadb(document.p, document.n, JSON_DECODE_ANY, NULL);
    unsigned n = settings_secret_hide(j);
    char *text = n ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    return text;
}

/* A row of (key, JSON text): one with secrets is written back without. */
static void strip_row(struct row *r, void *item)
{
    const char *const *write = item;
    char *text = without_secrets(row_view(r, 1));
    if (text)
        row_fail(r,
                 row_run(r->s, ROW_SQL(*write, ROW_TEXT(row_view(r, 0)), ROW_TEXT(str_of(text)))));
    free(text);
}

static enum err strip(struct store *s, const char *read, const char *write)
{
    return row_each(s, ROW_PLAIN(read), ROW_INTO(strip_row, NULL, &write));
}

static enum err take_out(struct store *s, const struct backup_order *o)
{
    enum err e = store_exec(s, "DELETE FROM admin_session");
    if (e == OK && !o->with_secrets)
        e = strip(s, "SELECT name, document FROM settings",
                  "UPDATE settings SET document = ?2 WHERE name = ?1");
    if (e == OK && !o->with_secrets)
        e = strip(s, "SELECT name, config FROM subscription",
                  "UPDATE subscription SET config = ?2 WHERE name = ?1");
    if (e != OK)
        return e;
    return row_run(s, ROW_SQL("INSERT OR REPLACE INTO meta"
                              " VALUES('backup_ms', ?1), ('backup_secrets', ?2)",
                              ROW_INT(o->at_ms), ROW_INT(o->with_secrets)));
}

static enum err clean(struct store *s, const struct backup_order *o)
{
    enum err e = store_exec(s, "PRAGMA secure_delete=ON");
    if (e == OK)
        e = store_begin(s);
    if (e != OK)
        return e;
    e = store_end(s, take_out(s, o));
    /* One file, without a write-ahead log beside it. */
    return e == OK ? store_exec(s, "PRAGMA journal_mode=DELETE") : e;
}

enum err backup_write(struct store *s, const struct backup_order *o, char why[STORE_WHY_BYTES])
{
    struct store *copy = NULL;
    enum err e = policy_store_backup(s, o->path);
    if (e != OK) {
        snprintf(why, STORE_WHY_BYTES, "%s", store_why(s));
        return e;
    }
    e = store_open(o->path, STORE_WRITE, why, &copy);
    if (e == OK) {
        e = clean(copy, o);
        if (e != OK)
            snprintf(why, STORE_WHY_BYTES, "%s", store_why(copy));
    }
    store_close(copy);
    if (e != OK)
        unlink(o->path);
    return e;
}
