/* restore: judge a file that may come from anywhere, then copy table by table in one transaction.
 * The file's schema is compared, text by text, with the one our own steps make: so no table, view
 * or trigger of a stranger is ever run. */
#include "db/restore.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/secret.h"
#include "db/audit_rows.h"
#include "db/migrate.h"
#include "db/policy_rows.h"
#include "db/row.h"
#include "db/settings_secret.h"

#define SCHEMA_TEXT_MAX (1u << 20)

/* --- looking -----------------------------------------------------------------------------------
 */

static enum err refuse(char why[STORE_WHY_BYTES], const char *sentence)
{
    snprintf(why, STORE_WHY_BYTES, "%s", sentence);
    return ERR_INVALID;
}

static void add_line(struct row *r, void *item)
{
    struct buf *out = item;
    buf_add(out, row_view(r, 0));
    buf_add_c(out, '\n');
}

static enum err schema_text(struct store *s, struct buf *out)
{
    enum err e = row_each(s,
                          ROW_PLAIN("SELECT type || '|' || name || '|' || tbl_name || '|' ||"
                                    " coalesce(sql, '') FROM sqlite_schema ORDER BY type, name"),
                          ROW_INTO(add_line, NULL, out));
    return e == OK && out->failed ? ERR_LIMIT : e;
}

/* What the first n steps of ours make, in a file beside. */
static enum err our_schema(const char *path, uint64_t n, char why[STORE_WHY_BYTES], struct buf *out)
{
    char fresh[600];
    struct store *s;
    struct migrate_plan plan = migrate_policy_plan;
    plan.n_steps = (size_t)n;
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.fresh", path) >= sizeof fresh)
        return ERR_LIMIT;
    unlink(fresh);
    enum err e = store_open(fresh, STORE_EVENTS, why, &s);
    if (e != OK)
        return e;
    e = migrate_run(s, &plan);
    if (e == OK)
        e = schema_text(s, out);
    store_close(s);
    unlink(fresh);
    return e;
}

static enum err compare_schema(struct store *s, const char *path, uint64_t n,
                               char why[STORE_WHY_BYTES])
{
    struct buf ours, theirs;
    buf_init(&ours, SCHEMA_TEXT_MAX);
    buf_init(&theirs, SCHEMA_TEXT_MAX);
    enum err e = schema_text(s, &theirs);
    if (e == OK)
        e = our_schema(path, n, why, &ours);
    if (e == OK && !str_eq(buf_str(&ours), buf_str(&theirs)))
        e = refuse(why, "this file has tables, views or triggers that are not ours");
    buf_fini(&ours);
    buf_fini(&theirs);
    return e;
}

static enum err look_inside(struct store *s, const char *path, char why[STORE_WHY_BYTES],
                            struct restore_info *out)
{
    uint64_t steps = 0;
    enum err e = store_check(s);
    if (e == OK)
        e = migrate_look(s, &migrate_policy_plan);
    if (e == OK)
        e = store_u64(s, "PRAGMA user_version", &steps);
    if (e == ERR_UNSUPPORTED)
        return refuse(why, "this backup was made by a newer version of the program");
    if (e == ERR_NOT_FOUND || e == ERR_CORRUPT)
        return refuse(why, "this is no backup of proxyd, or it is damaged");
    if (e == OK)
        e = compare_schema(s, path, steps, why);
    if (e == OK)
        e = migrate_run(s, &migrate_policy_plan);
    out->schema = steps;
    return e;
}

static enum err count(struct store *s, struct restore_info *out)
{
    uint64_t made = 0, secrets = 1;
    const struct {
        const char *sql;
        uint64_t *to;
    } counts[] = {
        {"SELECT coalesce((SELECT value FROM meta WHERE name = 'backup_ms'), 0)", &made},
        {"SELECT coalesce((SELECT value FROM meta WHERE name = 'backup_secrets'), 1)", &secrets},
        {"SELECT coalesce((SELECT version FROM policy_live), 0)", &out->live_version},
        {"SELECT count(*) FROM policy_version", &out->n_versions},
        {"SELECT count(*) FROM category", &out->n_categories},
        {"SELECT count(*) FROM person", &out->n_people},
        {"SELECT count(*) FROM admin_account", &out->n_accounts},
        {"SELECT count(*) FROM admin_token", &out->n_tokens},
        {"SELECT count(*) FROM settings", &out->n_settings},
        {"SELECT count(*) FROM audit", &out->n_audit},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        enum err e = store_u64(s, counts[i].sql, counts[i].to);
        if (e != OK)
            return e;
    }
    out->made_ms = (int64_t)made;
    out->has_secrets = secrets != 0;
    return OK;
}

static enum err judge(struct store *s, char why[STORE_WHY_BYTES], struct restore_info *out)
{
    uint64_t n = 0;
    enum err e = count(s, out);
    if (e == OK && !out->live_version)
        return refuse(why, "no policy was ever published in this backup");
    if (e == OK)
        e = store_u64(s, "SELECT count(*) FROM admin_account WHERE role = 3 AND enabled", &n);
    if (e == OK && !n)
        return refuse(why, "nobody in this backup could administer");
    if (e == OK)
        e = store_u64(s, "SELECT count(*) FROM pragma_foreign_key_check", &n);
    if (e == OK && n)
        return refuse(why, "rows of this backup point to rows that are not there");
    return e;
}

/* Only a database is opened as one: SQLite would take an empty file. */
static enum err check_magic(const char *path, char why[STORE_WHY_BYTES])
{
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic] = "";
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(head, 1, sizeof head, f) : 0;
    if (f)
        fclose(f);
    if (n == sizeof head && memcmp(head, magic, sizeof head) == 0)
        return OK;
    return refuse(why, "this is no backup of proxyd");
}

static enum err open_copy(const char *path, char why[STORE_WHY_BYTES], struct store **out)
{
    enum err e = check_magic(path, why);
    if (e == OK)
        e = store_open(path, STORE_WRITE, why, out);
    return e == ERR_CORRUPT ? refuse(why, "this is no backup of proxyd, or it is damaged") : e;
}

enum err restore_look(const char *path, char why[STORE_WHY_BYTES], struct restore_info *out)
{
    struct store *s;
    struct restore_info info = {0};
    why[0] = 0;
    enum err e = open_copy(path, why, &s);
    if (e != OK)
        return e;
    e = look_inside(s, path, why, &info);
    if (e == OK)
        e = judge(s, why, &info);
    if (e != OK && !why[0])
        snprintf(why, STORE_WHY_BYTES, "%s", "this is no backup of proxyd, or it is damaged");
    store_close(s);
    if (e == OK)
        *out = info;
    return e;
}

static void read_setting(struct row *r, void *item)
{
    *(struct restore_setting *)item =
        (struct restore_setting){.name = row_text(r, 0), .document = row_text(r, 1)};
}

enum err restore_content(const char *path, struct arena *a, char why[STORE_WHY_BYTES],
                         struct restore_content *out)
{
    struct store *s;
    struct policy_version v;
    *out = (struct restore_content){0};
    enum err e = store_open(path, STORE_READ, why, &s);
    if (e != OK)
        return e;
    e = policy_rows_live(s, a, &v);
    if (e == OK)
        out->live = v.document;
    if (e == OK)
        e = row_all(s, ROW_PLAIN("SELECT name, document FROM settings ORDER BY name"),
                    ROW_ALL(read_setting, a, &out->settings), &out->n_settings);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "%s", store_why(s));
    store_close(s);
    return e;
}

/* --- copying -----------------------------------------------------------------------------------
 */

enum err restore_attach(struct store *s, const char *path)
{
    return row_run(s, ROW_SQL("ATTACH ?1 AS restored", ROW_TEXT(str_of(path))));
}

void restore_detach(struct store *s)
{
    enum err e = store_exec(s, "DETACH restored");
    (void)e; /* it goes with the handle at the latest */
}

/* Deleting a category, a person or an account takes along what hangs on it. */
static const char lists_and_people[] =
    "DELETE FROM main.category;"
    "INSERT INTO main.category SELECT * FROM restored.category;"
    "INSERT INTO main.category_report SELECT * FROM restored.category_report;"
    "INSERT INTO main.category_reject SELECT * FROM restored.category_reject;"
    "INSERT INTO main.category_source SELECT * FROM restored.category_source;"
    "INSERT INTO main.source_content SELECT * FROM restored.source_content;"
    "DELETE FROM main.person;"
    "INSERT INTO main.person SELECT * FROM restored.person;"
    "DELETE FROM main.subscription;"
    "INSERT INTO main.subscription SELECT * FROM restored.subscription;"
    "INSERT INTO main.subscription_fetch SELECT * FROM restored.subscription_fetch;"
    /* Fetched bytes that wait for a person are no part of a backup: they are fetched again. */
    "UPDATE main.subscription SET waiting = '', hash = '', etag = '', last_modified = '',"
    "  next_ms = 0, state = min(state, 1) WHERE waiting <> '';"
    /* Counters only rise: what others remember by them is out of date now. */
    "INSERT INTO main.meta SELECT name, value FROM restored.meta"
    "  WHERE name IN ('content', 'local', 'people')"
    "  ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value);"
    "UPDATE main.meta SET value = value + 1 WHERE name IN ('content', 'local', 'people');";

static const char accounts[] =
    "DELETE FROM main.admin_token;"
    "DELETE FROM main.admin_account;"
    "INSERT INTO main.admin_account SELECT * FROM restored.admin_account;"
    "INSERT INTO main.admin_token SELECT * FROM restored.admin_token;";

static const char settings[] =
    "INSERT INTO main.settings SELECT name, document, author, version, at_ms"
    "  FROM restored.settings WHERE true ON CONFLICT(name) DO UPDATE SET"
    "  document = excluded.document, author = excluded.author, at_ms = excluded.at_ms,"
    "  version = max(version, excluded.version) + 1;";

static const char draft[] =
    "INSERT INTO main.policy_draft SELECT one, document, author, at_ms, revision,"
    "  (SELECT version FROM main.policy_live) FROM restored.policy_draft WHERE true"
    "  ON CONFLICT(one) DO UPDATE SET document = excluded.document, author = excluded.author,"
    "  at_ms = excluded.at_ms, revision = max(revision, excluded.revision) + 1,"
    "  base_version = excluded.base_version;";

/* A table of the file whose rows are a name and a JSON document. */
struct documents {
    const char *read, *write; /* read: name, theirs, ours */
};

static const struct documents with_secrets[] = {
    {"SELECT r.name, r.document, coalesce(m.document, '{}')"
     " FROM restored.settings r LEFT JOIN main.settings m USING(name)",
     "UPDATE restored.settings SET document = ?2 WHERE name = ?1"},
    {"SELECT r.name, r.config, coalesce(m.config, '{}')"
     " FROM restored.subscription r LEFT JOIN main.subscription m USING(name)",
     "UPDATE restored.subscription SET config = ?2 WHERE name = ?1"},
};

/* One document of the file with our secrets where it has null. */
static char *filled(struct str theirs, struct str ours, unsigned *n_missing)
{
    json_t *j = json_loadb(theirs.p, theirs.n, 0, NULL);
    json_t *old = json_loadb(ours.p, ours.n, 0, NULL);
    *n_missing += settings_secret_keep(j, old);
    settings_secret_fill(j, "");
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    json_decref(old);
    return text;
}

struct filling {
    const char *write;
    unsigned *n_missing;
};

static void fill_row(struct row *r, void *item)
{
    const struct filling *x = item;
    char *text = filled(row_view(r, 1), row_view(r, 2), x->n_missing);
    if (!text) {
        row_fail(r, ERR_NOMEM);
        return;
    }
    row_fail(r, row_run(r->s, ROW_SQL(x->write, ROW_TEXT(row_view(r, 0)), ROW_TEXT(str_of(text)))));
    secret_wipe(text, strlen(text));
    free(text);
}

static enum err fill_secrets(struct store *s, const struct documents *d, unsigned *n_missing)
{
    struct filling x = {d->write, n_missing};
    return row_each(s, ROW_PLAIN(d->read), ROW_INTO(fill_row, NULL, &x));
}

static enum err copy_versions(struct store *s, struct restore_done *out)
{
    uint64_t before = 0, after = 0;
    enum err e = store_u64(s,
                           "SELECT count(*) FROM main.policy_version m JOIN"
                           " restored.policy_version r USING(version)"
                           " WHERE m.document <> r.document",
                           &out->n_versions_apart);
    if (e == OK)
        e = store_u64(s, "SELECT count(*) FROM main.policy_version", &before);
    if (e == OK)
        e = store_exec(s, "INSERT OR IGNORE INTO main.policy_version"
                          " SELECT * FROM restored.policy_version");
    if (e == OK)
        e = store_u64(s, "SELECT count(*) FROM main.policy_version", &after);
    out->n_versions_added = after - before;
    return e;
}

static void read_live(struct row *r, void *item)
{
    char *text = str_dup(row_view(r, 0));
    if (!text)
        row_fail(r, ERR_NOMEM);
    *(struct str *)item = str_of(text);
}

static enum err restored_live(struct store *s, struct str *document)
{
    return row_one(s,
                   ROW_PLAIN("SELECT document FROM restored.policy_version JOIN"
                             " restored.policy_live USING(version)"),
                   ROW_INTO(read_live, NULL, document));
}

/* The file's live document is live here too, under a number that was never used. */
static enum err publish(struct store *s, const struct restore_order *how, struct restore_done *out)
{
    struct str document = {0};
    uint64_t same = 0;
    enum err e = policy_rows_live_number(s, &out->version);
    if (e == OK)
        e = store_u64(s,
                      "SELECT count(*) FROM main.policy_version m, restored.policy_version r"
                      " WHERE m.version = (SELECT version FROM main.policy_live)"
                      " AND r.version = (SELECT version FROM restored.policy_live)"
                      " AND m.document = r.document",
                      &same);
    if (e != OK || same)
        return e;
    out->is_new_version = true;
    e = restored_live(s, &document);
    if (e != OK)
        return e;
    struct policy_text text = {.document = document};
    struct policy_publish p = {.comment = how->comment,
                               .author = how->author,
                               .at_ms = how->at_ms,
                               .n_rules = how->n_rules};
    e = policy_rows_publish_text(s, &text, &p, &out->version);
    free((char *)(uintptr_t)document.p);
    return e;
}

static enum err copy_all(struct store *s, const struct restore_order *how, struct restore_done *out)
{
    enum err e = store_exec(s, "PRAGMA defer_foreign_keys=ON");
    for (size_t i = 0; e == OK && i < sizeof with_secrets / sizeof *with_secrets; i++)
        e = fill_secrets(s, &with_secrets[i], &out->n_secrets_missing);
    if (e == OK)
        e = store_exec(s, lists_and_people);
    if (e == OK && !how->keeps_accounts)
        e = store_exec(s, accounts);
    if (e == OK)
        e = store_exec(s, settings);
    if (e == OK)
        e = copy_versions(s, out);
    if (e == OK)
        e = publish(s, how, out);
    return e == OK ? store_exec(s, draft) : e;
}

enum err restore_run(struct store *s, const struct restore_order *how, struct restore_done *out)
{
    struct restore_done done = {0};
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = store_end(s, copy_all(s, how, &done));
    if (e == OK)
        *out = done;
    return e;
}
