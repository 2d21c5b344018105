/* backup: copying out. The copy is made by VACUUM INTO, then what must not leave is taken out of
 * it with secure_delete, so that no byte of it stays in the file. */
#include "db/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/policy_store.h"
#include "db/settings_secret.h"

static char *without_secrets(struct str document)
{
    json_t *j = json_loadb(document.p, document.n, JSON_DECODE_ANY, NULL);
    unsigned n = settings_secret_hide(j);
    char *text = n ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    return text;
}

/* Rows of (key, JSON text): those with secrets are written back without. */
static enum err strip(struct store *s, const char *read, const char *write)
{
    struct sqlite3_stmt *rows, *put;
    enum err e = store_stmt(s, read, &rows);
    while (e == OK && (e = store_step(s, rows)) == OK) {
        char *text = without_secrets(store_column(rows, 1));
        if (!text)
            continue;
        e = store_stmt(s, write, &put);
        if (e == OK) {
            store_bind_str(put, 1, store_column(rows, 0));
            store_bind_str(put, 2, str_of(text));
            e = store_run(s, put);
        }
        free(text);
    }
    if (e != ERR_NOT_FOUND)
        store_reset(rows);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err take_out(struct store *s, const struct backup_order *o)
{
    struct sqlite3_stmt *st;
    enum err e = store_exec(s, "DELETE FROM admin_session");
    if (e == OK && !o->with_secrets)
        e = strip(s, "SELECT name, document FROM settings",
                  "UPDATE settings SET document = ?2 WHERE name = ?1");
    if (e == OK && !o->with_secrets)
        e = strip(s, "SELECT name, config FROM subscription",
                  "UPDATE subscription SET config = ?2 WHERE name = ?1");
    if (e == OK)
        e = store_stmt(s,
                       "INSERT OR REPLACE INTO meta VALUES('backup_ms', ?1), ('backup_secrets', "
                       "?2)",
                       &st);
    if (e != OK)
        return e;
    store_bind_i64(st, 1, o->at_ms);
    store_bind_u64(st, 2, o->with_secrets);
    return store_run(s, st);
}

static enum err clean(struct store *s, const struct backup_order *o)
{
    enum err e = store_exec(s, "PRAGMA secure_delete=ON");
    if (e == OK)
        e = store_begin(s);
    if (e != OK)
        return e;
    e = take_out(s, o);
    if (e != OK) {
        store_rollback(s);
        return e;
    }
    e = store_commit(s);
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
