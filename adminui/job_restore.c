/* job_restore: look, judge, put aside, replace. */
#include "adminui/job_restore.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adminui/api_settings.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/reply.h"
#include "base/diag.h"
#include "base/secret.h"
#include "db/audit_rows.h"
#include "db/restore.h"
#include "db/settings_rows.h"
#include "db/settings_secret.h"

#define CONTENT_MAX ((size_t)256 << 20)
#define ASIDE       "before-restore-"
#define ASIDE_BYTES 64

/* --- judging -----------------------------------------------------------------------------------
 */

/* The first fault as one sentence. */
static enum err first_fault(enum err e, const struct report *r, struct str what,
                            char why[STORE_WHY_BYTES])
{
    if (e == ERR_INVALID && r->n_faults)
        snprintf(why, STORE_WHY_BYTES, "%.*s of the backup cannot be used: %.60s: %.100s",
                 STR_ARG(what), r->faults[0].pointer, r->faults[0].message);
    return e;
}

/* As it would be stored: with our secrets where the backup has none. */
static enum err judge_setting(struct desk *d, struct arena *a, const struct restore_setting *x,
                              char why[STORE_WHY_BYTES])
{
    struct settings_row row = {.document = STR("{}")};
    struct report r;
    enum err e = settings_rows_get(d->store, a, x->name, &row);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    json_t *j = json_loadb(x->document.p, x->document.n, 0, NULL);
    json_t *ours = json_loadb(row.document.p, row.document.n, 0, NULL);
    if (settings_secret_keep(j, ours))
        settings_secret_fill(j, "?"); /* what is nowhere is counted, and no reason to refuse */
    char *text = json_dumps(j, JSON_COMPACT);
    e = api_settings_judge(x->name, str_of(text ? text : "?"), &r);
    e = first_fault(e == ERR_NOT_FOUND ? OK : e, &r, x->name, why);
    report_fini(&r);
    json_decref(j);
    json_decref(ours);
    if (text)
        secret_wipe(text, strlen(text));
    free(text);
    return e;
}

static enum err judge(struct desk *d, struct arena *a, const struct restore_content *content,
                      char why[STORE_WHY_BYTES])
{
    struct report r;
    struct snapshot *snapshot = NULL;
    struct policy_ask ask = {.document = content->live};
    enum err e = policy_hold_get(d->app->policies, &ask, &r, &snapshot);
    if (e == OK)
        snapshot_unref(snapshot);
    e = first_fault(e, &r, STR("the live policy"), why);
    report_fini(&r);
    for (size_t i = 0; e == OK && i < content->n_settings; i++)
        e = judge_setting(d, a, &content->settings[i], why);
    return e;
}

/* --- putting aside -----------------------------------------------------------------------------
 */

static int older_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_aside(const struct dirent *e)
{
    return strncmp(e->d_name, ASIDE, sizeof ASIDE - 1) == 0;
}

static void forget_old(const char *dir)
{
    struct dirent **found = NULL;
    char path[700];
    int n = scandir(dir, &found, is_aside, older_first);
    for (int i = 0; i < n; i++) {
        if (i < n - JOB_RESTORE_KEPT) {
            snprintf(path, sizeof path, "%s/%s", dir, found[i]->d_name);
            unlink(path);
        }
        free(found[i]);
    }
    free(found);
}

static enum err put_aside(struct desk *d, char name[ASIDE_BYTES], char why[STORE_WHY_BYTES])
{
    char path[700];
    struct tm tm;
    int64_t now = clock_wall_ms(&d->app->clock);
    time_t seconds = (time_t)(now / 1000);
    gmtime_r(&seconds, &tm);
    size_t n = strftime(name, ASIDE_BYTES, ASIDE "%Y%m%dT%H%M%S", &tm);
    snprintf(name + n, ASIDE_BYTES - n, "%03dZ.db", (int)(now % 1000));
    snprintf(path, sizeof path, "%s/%s", d->app->boot->state_dir.p, name);
    enum err e = policy_store_backup(d->store, path);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "what is here now cannot be put aside: %.150s",
                 store_why(d->store));
    else
        forget_old(d->app->boot->state_dir.p);
    return e;
}

/* --- replacing ---------------------------------------------------------------------------------
 */

static json_t *info_json(const struct restore_info *i)
{
    return json_pack("{s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "made_at", reply_time(i->made_ms),
                     "has_secrets", (int)i->has_secrets, "schema", reply_u64(i->schema),
                     "live_version", reply_u64(i->live_version), "versions",
                     reply_u64(i->n_versions), "categories", reply_u64(i->n_categories), "users",
                     reply_u64(i->n_people), "accounts", reply_u64(i->n_accounts), "tokens",
                     reply_u64(i->n_tokens), "settings", reply_u64(i->n_settings));
}

static json_t *done_json(const struct restore_done *x, const char *aside)
{
    return json_pack("{s:o,s:b,s:o,s:o,s:i,s:s}", "version", reply_u64(x->version),
                     "is_new_version", (int)x->is_new_version, "versions_added",
                     reply_u64(x->n_versions_added), "versions_apart",
                     reply_u64(x->n_versions_apart), "secrets_missing", (int)x->n_secrets_missing,
                     "put_aside", aside);
}

static enum err audit(struct desk *d, const struct restore_order *how, const json_t *done)
{
    uint64_t id;
    char *after = json_dumps(done, JSON_COMPACT);
    struct audit_row row = {.at_ms = how->at_ms,
                            .actor = how->author,
                            .via = STR("job"),
                            .action = STR("restore"),
                            .object = how->comment,
                            .after = str_of(after),
                            .result = STR("ok")};
    enum err e = after ? audit_rows_add(d->store, &row, &id) : ERR_NOMEM;
    free(after);
    return e;
}

/* The change and its audit row are one. */
static enum err replace(struct desk *d, const struct restore_order *how, const char *aside,
                        json_t **done)
{
    struct restore_done x;
    enum err e = store_begin(d->store);
    if (e != OK)
        return e;
    e = restore_run(d->store, how, &x);
    *done = e == OK ? done_json(&x, aside) : NULL;
    if (e == OK)
        e = audit(d, how, *done);
    return store_end(d->store, e);
}

static enum err attach_and_replace(struct desk *d, const struct restore_order *how,
                                   const char *aside, json_t **done)
{
    enum err e = restore_attach(d->store, how->path);
    if (e != OK)
        return e;
    e = replace(d, how, aside, done);
    restore_detach(d->store);
    return e;
}

static enum err go(struct desk *d, struct restore_order *how, char why[STORE_WHY_BYTES],
                   json_t **done)
{
    char aside[ASIDE_BYTES];
    enum err e = put_aside(d, aside, why);
    if (e != OK)
        return e;
    e = attach_and_replace(d, how, aside, done);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "nothing was changed: %.180s", store_why(d->store));
    else
        diag(DIAG_WARN, "backup", "a backup was restored", "put_aside", aside, NULL);
    return e;
}

/* What SQLite may have left beside the upload. */
static void remove_beside(const char *path)
{
    static const char *const ends[] = {"-wal", "-shm", "-journal", ".fresh"};
    char name[700];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static enum err run(struct desk *d, const struct job_order *order, struct arena *a,
                    char why[STORE_WHY_BYTES], json_t *result)
{
    char made[CLOCK_RFC3339_BYTES] = "", comment[80];
    struct restore_info info;
    struct restore_content content;
    json_t *done = NULL;
    enum err e = restore_look(order->take_upload, why, &info);
    if (e == OK)
        e = restore_content(order->take_upload, a, why, &content);
    if (e == OK)
        e = judge(d, a, &content, why);
    if (e != OK)
        return e;
    if (info.made_ms)
        clock_format_rfc3339(info.made_ms, made);
    snprintf(comment, sizeof comment, "restored from a backup%s%s", made[0] ? " of " : "", made);
    json_object_set_new(result, "backup", info_json(&info));
    if (order->dry_run)
        return OK;
    struct restore_order how = {.path = order->take_upload,
                                .keeps_accounts =
                                    json_is_true(json_object_get(order->take_ask, "keep_accounts")),
                                .author = order->by,
                                .comment = str_of(comment),
                                .at_ms = clock_wall_ms(&d->app->clock),
                                .n_rules = policy_docs_rules(content.live)};
    e = go(d, &how, why, &done);
    json_object_update(result, done);
    json_decref(done);
    return e;
}

enum err job_restore(struct desk *d, const struct job_order *order, const struct job_pulse *pulse,
                     char why[STORE_WHY_BYTES], json_t **result)
{
    struct arena a;
    json_t *made = json_pack("{s:b}", "dry_run", (int)order->dry_run);
    if (!pulse->beat(pulse->ctx, 0.05, "looking at the backup")) {
        json_decref(made);
        return ERR_CLOSED;
    }
    arena_init(&a, 64u << 10, CONTENT_MAX);
    enum err e = run(d, order, &a, why, made);
    arena_fini(&a);
    remove_beside(order->take_upload);
    if (e == OK)
        *result = made;
    else
        json_decref(made);
    return e;
}
