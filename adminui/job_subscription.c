/* job_subscription: read, compare, decide, store. */
#include "adminui/job_subscription.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adminui/reply.h"
#include "adminui/subscription_config.h"
#include "adminui/subscription_diff.h"
#include "base/mapfile.h"
#include "base/secret.h"
#include "db/audit_rows.h"
#include "db/list_import.h"
#include "db/list_sources.h"
#include "db/subscription_rows.h"

#define HOUR_MS        INT64_C(3600000)
#define FIRST_RETRY_MS INT64_C(300000)
#define NAMES_SHOWN    20

char *job_subscription_waiting_path(const struct app *app, uint64_t id)
{
    char *path;
    if (asprintf(&path, "%s/subscriptions/%llu.waiting", app->boot->state_dir.p,
                 (unsigned long long)id) < 0)
        return NULL;
    return path;
}

int64_t job_subscription_next(int64_t now_ms, unsigned every_hours, uint32_t failures,
                              uint32_t random)
{
    int64_t every = (int64_t)every_hours * HOUR_MS, in = every;
    if (failures) {
        in = FIRST_RETRY_MS << (failures < 12 ? failures - 1 : 11);
        in = in > every ? every : in;
    }
    return now_ms + in - in / 20 + (int64_t)(random % 1000) * (in / 10) / 1000;
}

struct update {
    struct desk *d;
    const struct job_order *order;
    struct arena arena;
    struct subscription row;
    struct subscription_config config;
    json_t *config_json;
    struct list_import *im;
    char origin[40];
    bool is_approved;
    uint64_t entries, before, added, removed;
};

static struct str ask_str(const struct update *u, const char *name)
{
    const json_t *v = json_object_get(u->order->take_ask, name);
    return str_make(json_string_value(v) ? json_string_value(v) : "", json_string_length(v));
}

static int64_t ask_int(const struct update *u, const char *name)
{
    return json_integer_value(json_object_get(u->order->take_ask, name));
}

/* --- what it would change ----------------------------------------------------------------------
 */

static bool is_in_import(const struct list_import *im, struct str category)
{
    for (size_t i = 0; i < list_import_count(im); i++) {
        if (str_eq(list_import_at(im, i)->name, category))
            return true;
    }
    return false;
}

/* Entries of this subscription now, and of them those in categories it does not bring any more. */
static enum err count_before(struct update *u)
{
    struct list_source *items;
    size_t n;
    enum err e = list_sources_of(u->d->store, &u->arena, STR(""), &items, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        uint64_t sum = 0;
        if (!str_eq(items[i].source, str_of(u->origin)))
            continue;
        for (int k = 0; k < LIST_KINDS; k++)
            sum += items[i].counts[k];
        u->before += sum;
        if (!is_in_import(u->im, items[i].category))
            u->removed += sum;
    }
    return e;
}

static enum err save(struct update *u, bool is_dry, char why[STORE_WHY_BYTES])
{
    struct list_import_save how = {.dry_run = is_dry,
                                   .source = u->row.name,
                                   .origin = str_of(u->origin),
                                   .drops_missing = true,
                                   .at_ms = clock_wall_ms(&u->d->app->clock)};
    enum err e = list_import_save(u->im, u->d->store, &how);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "%s", store_why(u->d->store));
    return e;
}

static enum err compare(struct update *u, char why[STORE_WHY_BYTES])
{
    enum err e = save(u, true, why);
    for (size_t i = 0; i < list_import_count(u->im); i++) {
        const struct list_import_category *x = list_import_at(u->im, i);
        u->added += x->added;
        u->removed += x->removed;
        for (int k = 0; k < LIST_KINDS; k++)
            u->entries += x->counts[k];
    }
    if (e == OK)
        e = count_before(u);
    if (e == OK && u->entries == 0) {
        snprintf(why, STORE_WHY_BYTES, "no entry in it could be read");
        e = ERR_INVALID;
    }
    if (e == OK && u->entries > u->config.max_entries) {
        snprintf(why, STORE_WHY_BYTES, "%llu entries, more than max_entries",
                 (unsigned long long)u->entries);
        e = ERR_LIMIT;
    }
    return e;
}

/* Beyond a bound? why tells which. The first content has nothing to be compared with, but nobody
 * wants all of co.uk in a list. */
static bool is_suspect(const struct update *u, char why[STORE_WHY_BYTES])
{
    const struct subscription_config *c = &u->config;
    struct str suffix = {0};
    if (u->is_approved)
        return false;
    if (u->added)
        suffix = subscription_diff_suffix(u->im);
    if (suffix.n) {
        snprintf(why, STORE_WHY_BYTES, "the list names \"%.*s\", and so every site below it",
                 STR_ARG(suffix));
        return true;
    }
    if (!u->before)
        return false;
    if (c->shrink_percent && u->removed * 100 > u->before * c->shrink_percent) {
        snprintf(why, STORE_WHY_BYTES, "%llu of %llu entries would go (bound %u %%)",
                 (unsigned long long)u->removed, (unsigned long long)u->before, c->shrink_percent);
        return true;
    }
    if (c->grow_percent && u->added * 100 > u->before * c->grow_percent) {
        snprintf(why, STORE_WHY_BYTES, "%llu entries would come to %llu (bound %u %%)",
                 (unsigned long long)u->added, (unsigned long long)u->before, c->grow_percent);
        return true;
    }
    return false;
}

/* --- what is written ---------------------------------------------------------------------------
 */

static json_t *difference(const struct update *u)
{
    json_t *all = json_array();
    for (size_t i = 0; i < list_import_count(u->im) && i < NAMES_SHOWN; i++) {
        const struct list_import_category *x = list_import_at(u->im, i);
        if (x->added || x->removed)
            json_array_append_new(all,
                                  json_pack("{s:o,s:o,s:o,s:o}", "name", reply_str(x->name),
                                            "before", reply_u64(x->before), "added",
                                            reply_u64(x->added), "removed", reply_u64(x->removed)));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "entries", reply_u64(u->entries), "before",
                     reply_u64(u->before), "added", reply_u64(u->added), "removed",
                     reply_u64(u->removed), "categories", all);
}

static struct subscription_fetch fetch_of(const struct update *u, enum subscription_outcome outcome,
                                          const char *why)
{
    int64_t now = clock_wall_ms(&u->d->app->clock);
    return (struct subscription_fetch){.subscription = u->row.id,
                                       .at_ms = now,
                                       .took_ms = now - ask_int(u, "began_ms"),
                                       .outcome = outcome,
                                       .status = (unsigned)ask_int(u, "status"),
                                       .bytes = (uint64_t)ask_int(u, "bytes"),
                                       .entries = u->entries,
                                       .added = u->added,
                                       .removed = u->removed,
                                       .why = str_of(why)};
}

static enum err audit(struct update *u, const char *action)
{
    uint64_t id;
    json_t *after = difference(u);
    char *text = json_dumps(after, JSON_COMPACT);
    struct audit_row row = {.at_ms = clock_wall_ms(&u->d->app->clock),
                            .actor = u->order->by,
                            .via = STR("schedule"),
                            .action = str_of(action),
                            .object = u->row.name,
                            .after = str_of(text),
                            .result = STR("ok")};
    enum err e = audit_rows_add(u->d->store, &row, &id);
    free(text);
    json_decref(after);
    return e;
}

static void took(struct update *u, enum subscription_state state)
{
    uint32_t random = 0;
    int64_t now = clock_wall_ms(&u->d->app->clock);
    enum err e = secret_random(&random, sizeof random);
    (void)e; /* without it all come a little together */
    u->row.state = state;
    u->row.failures = 0;
    u->row.checked_ms = now;
    u->row.etag = ask_str(u, "etag");
    u->row.last_modified = ask_str(u, "last_modified");
    u->row.hash = ask_str(u, "hash");
    u->row.next_ms = job_subscription_next(now, u->config.every_hours, 0, random);
}

/* Content, progress, history and trail in one transaction. */
static enum err store_it(struct update *u, char why[STORE_WHY_BYTES])
{
    struct subscription_fetch f = fetch_of(u, SUBSCRIPTION_UPDATED, "");
    enum err e = store_begin(u->d->store);
    if (e != OK)
        return e;
    e = save(u, false, why);
    took(u, SUBSCRIPTION_FRESH);
    u->row.good_ms = u->row.checked_ms;
    u->row.entries = u->entries;
    u->row.why = u->row.waiting = STR("");
    if (e == OK)
        e = subscription_rows_ended(u->d->store, &u->row, &f);
    if (e == OK && (u->added || u->removed))
        e = audit(u, "subscription applied");
    if (e == OK)
        return store_commit(u->d->store);
    if (e == ERR_CONFLICT)
        snprintf(why, STORE_WHY_BYTES, "%s", store_why(u->d->store));
    store_rollback(u->d->store);
    return e;
}

static enum err put_aside(struct update *u, const char *because)
{
    char *path = job_subscription_waiting_path(u->d->app, u->row.id);
    char *slash = path ? strrchr(path, '/') : NULL;
    enum err e = ERR_NOMEM;
    if (slash) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
        e = rename(u->order->take_upload, path) == 0 ? OK : ERR_IO;
    }
    bool is_there = e == OK;
    json_t *j = difference(u);
    if (e == OK)
        e = subscription_diff_examples(u->d->store, u->im, str_of(u->origin), j);
    char *text = json_dumps(j, JSON_COMPACT);
    u->row.waiting = str_of(text);
    u->row.why = str_of(because);
    took(u, SUBSCRIPTION_WAITING);
    if (e == OK)
        e = store_begin(u->d->store);
    if (e == OK) {
        struct subscription_fetch f = fetch_of(u, SUBSCRIPTION_HELD, because);
        e = subscription_rows_ended(u->d->store, &u->row, &f);
        if (e == OK)
            e = audit(u, "subscription waits");
        e = store_end(u->d->store, e);
    }
    if (e != OK && is_there) /* nothing waits */
        unlink(path);
    free(path);
    free(text);
    json_decref(j);
    return e;
}

/* The old content stays; when it is tried again is said. */
static void failed(struct update *u, const char *why)
{
    uint32_t random = 0;
    int64_t now = clock_wall_ms(&u->d->app->clock);
    enum err e = secret_random(&random, sizeof random);
    u->row.failures++;
    u->row.checked_ms = now;
    u->row.why = str_of(why);
    u->row.state = SUBSCRIPTION_FAILING;
    u->row.next_ms = job_subscription_next(now, u->config.every_hours, u->row.failures, random);
    struct subscription_fetch f = fetch_of(u, SUBSCRIPTION_FAILED, why);
    e = subscription_rows_ended(u->d->store, &u->row, &f);
    (void)e; /* the job itself tells */
}

/* --- the job -----------------------------------------------------------------------------------
 */

static enum err load(struct update *u)
{
    struct report report;
    enum err e = subscription_rows_get(u->d->store, &u->arena, (uint64_t)ask_int(u, "id"), &u->row);
    if (e != OK)
        return e;
    if (u->row.revision != (uint64_t)ask_int(u, "revision"))
        return ERR_CONFLICT; /* this came of former settings; it is due again */
    report_init(&report);
    u->config_json = json_loadb(u->row.config.p, u->row.config.n, 0, NULL);
    subscription_config_read(u->config_json, &u->config, &report);
    e = report_has_faults(&report) ? ERR_INVALID : OK;
    report_fini(&report);
    snprintf(u->origin, sizeof u->origin, "sub:%llu", (unsigned long long)u->row.id);
    return e;
}

static bool on_progress(void *ctx, double done)
{
    const struct job_pulse *pulse = ctx;
    return pulse->beat(pulse->ctx, done * 0.9, "reading");
}

static enum err read_file(struct update *u, const struct job_pulse *pulse,
                          char why[STORE_WHY_BYTES])
{
    struct mapfile m = {0};
    struct list_import_options o = {.category = str_of(u->config.category),
                                    .prefix = str_of(u->config.prefix),
                                    .format = u->config.format,
                                    .progress = on_progress,
                                    .ctx = (void *)(uintptr_t)pulse};
    enum err e = mapfile_open(&m, u->order->take_upload);
    if (e == OK)
        e = list_import_read(&o, str_make(m.p, m.n), why, &u->im);
    mapfile_close(&m);
    return e;
}

static enum err run(struct update *u, const struct job_pulse *pulse, char why[STORE_WHY_BYTES],
                    json_t **result)
{
    char because[STORE_WHY_BYTES] = "";
    enum err e = read_file(u, pulse, why);
    if (e == OK)
        e = compare(u, why);
    if (e != OK) {
        if (e != ERR_CLOSED)
            failed(u, why[0] ? why : err_name(e));
        return e;
    }
    bool waits = is_suspect(u, because);
    e = waits ? put_aside(u, because) : store_it(u, why);
    if (e == OK) {
        *result = difference(u);
        json_object_set_new(*result, "outcome", json_string(waits ? "waiting" : "updated"));
        json_object_set_new(*result, "changed", json_boolean(!waits && (u->added || u->removed)));
    }
    return e;
}

enum err job_subscription(struct desk *d, const struct job_order *order,
                          const struct job_pulse *pulse, char why[STORE_WHY_BYTES], json_t **result)
{
    struct update u = {.d = d, .order = order};
    arena_init(&u.arena, (size_t)64 << 10, (size_t)64 << 20);
    u.is_approved = json_is_true(json_object_get(order->take_ask, "is_approved"));
    enum err e = load(&u);
    if (e == OK)
        e = run(&u, pulse, why, result);
    else
        snprintf(why, STORE_WHY_BYTES, "the subscription is gone, damaged or changed meanwhile");
    list_import_free(u.im);
    json_decref(u.config_json);
    arena_fini(&u.arena);
    return e;
}
