/* job_work: imports and the index. Beside categories.idx stands categories.idx.json: the stamp of
 * the content it was built from and its figures, so that a start after a crash sees at once whether
 * the index is what the store says. */
#include "adminui/job_work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adminui/policy_hold.h"
#include "adminui/reply.h"
#include "base/mapfile.h"
#include "db/list_import.h"
#include "policies/set_domain.h"

#define REJECTS_SHOWN 200

static int64_t now_ms(const struct desk *d)
{
    return clock_wall_ms(&d->app->clock);
}

/* --- import ------------------------------------------------------------------------------------
 */

static bool on_progress(void *ctx, double done)
{
    const struct job_pulse *pulse = ctx;
    return pulse->beat(pulse->ctx, done * 0.9, "reading");
}

static json_t *rejects_json(const struct list_import *im)
{
    json_t *all = json_array();
    for (size_t i = 0; i < list_import_count(im); i++) {
        const struct list_import_category *x = list_import_at(im, i);
        for (size_t k = 0; k < x->n_rejects && json_array_size(all) < REJECTS_SHOWN; k++) {
            const struct list_reject *r = &x->rejects[k];
            json_array_append_new(all, json_pack("{s:o,s:o,s:o,s:o}", "line", reply_u64(r->line),
                                                 "text", reply_str(r->text), "reason",
                                                 reply_str(r->reason), "file", reply_str(r->file)));
        }
    }
    return all;
}

static json_t *category_json(const struct list_import_category *x)
{
    json_t *counts = json_object();
    for (int k = 0; k < LIST_KINDS; k++)
        json_object_set_new(counts, list_kind_name((enum list_kind)k), reply_u64(x->counts[k]));
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "name", reply_str(x->name), "accepted",
                     reply_u64(x->accepted), "duplicates", reply_u64(x->duplicates), "n_rejected",
                     reply_u64(x->n_rejected), "counts", counts);
}

static json_t *result_json(const struct list_import *im, const struct job_order *o, int64_t ms)
{
    uint64_t accepted = 0, duplicates = 0, n_rejected = 0, added = 0, removed = 0;
    uint64_t not_matched = 0; /* kept, but the index has no place for them */
    json_t *all = json_array();
    const char *format = o->kind == JOB_TREE ? "squidguard" : "";
    for (size_t i = 0; i < list_import_count(im); i++) {
        const struct list_import_category *x = list_import_at(im, i);
        accepted += x->accepted;
        duplicates += x->duplicates;
        n_rejected += x->n_rejected;
        added += x->added;
        removed += x->removed;
        not_matched += x->counts[LIST_EXPRESSIONS];
        json_array_append_new(all, category_json(x));
        if (!*format)
            format = list_format_name(x->format);
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:b,s:b,s:s,s:I}", "not_matched",
                     reply_u64(not_matched), "accepted", reply_u64(accepted), "duplicates",
                     reply_u64(duplicates), "rejected", rejects_json(im), "n_rejected",
                     reply_u64(n_rejected), "format", format, "added", reply_u64(added), "removed",
                     reply_u64(removed), "categories", all, "index", json_null(), "dry_run",
                     (int)o->dry_run, "applied", 0, "message", "", "ms", (json_int_t)ms);
}

static enum err save(struct desk *d, const struct job_order *o, struct list_import *im,
                     char why[STORE_WHY_BYTES])
{
    struct list_import_save how = {
        .merge = o->merge, .dry_run = o->dry_run, .source = o->source, .at_ms = now_ms(d)};
    enum err e = list_import_save(im, d->store, &how);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "%s", store_why(d->store));
    return e;
}

enum err job_work_import(struct desk *d, const struct job_order *order,
                         const struct job_pulse *pulse, char why[STORE_WHY_BYTES], json_t **result)
{
    struct mapfile m = {0};
    struct list_import *im = NULL;
    int64_t began = clock_mono_ms(&d->app->clock);
    struct list_import_options o = {.category = order->category,
                                    .prefix = order->prefix,
                                    .progress = on_progress,
                                    .ctx = (void *)(uintptr_t)pulse};
    if (order->kind == JOB_IMPORT && !list_format_from_name(order->format_name, &o.format))
        return ERR_INVALID;
    enum err e = mapfile_open(&m, order->take_upload);
    if (e != OK) {
        snprintf(why, STORE_WHY_BYTES, "the upload cannot be read: %s", err_name(e));
        return e;
    }
    e = list_import_read(&o, str_make(m.p, m.n), why, &im);
    mapfile_close(&m);
    if (e == OK && !pulse->beat(pulse->ctx, 0.9, order->dry_run ? "comparing" : "storing"))
        e = ERR_CLOSED;
    if (e == OK)
        e = save(d, order, im, why);
    if (e == OK)
        *result = result_json(im, order, clock_mono_ms(&d->app->clock) - began);
    list_import_free(im);
    return e;
}

/* --- index -------------------------------------------------------------------------------------
 */

struct filling {
    struct set_domain_builder *builder;
    uint32_t category;
    enum list_kind kind;
    enum err err;
};

static bool add_entry(void *ctx, struct str text)
{
    static const enum set_domain_kind kinds[LIST_KINDS] = {
        [LIST_DOMAINS] = SET_DOMAIN_NAME,
        [LIST_URLS] = SET_DOMAIN_URL,
        [LIST_IPS] = SET_DOMAIN_NAME,
        [LIST_EXCEPTIONS] = SET_DOMAIN_EXCEPTION,
    };
    struct filling *f = ctx;
    if (f->kind == LIST_IPS && str_find(text, '/') != STR_NPOS)
        return true; /* the index knows single addresses, no networks */
    f->err = set_domain_builder_add(f->builder, f->category, kinds[f->kind], text);
    if (f->err == ERR_INVALID) /* a host without a path in a URL list: nothing to look up by */
        f->err = OK;
    return f->err == OK;
}

static enum err fill(struct desk *d, const struct list_category *items, size_t n,
                     struct set_domain_builder *b, const struct job_pulse *pulse)
{
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < LIST_KINDS; k++) {
            if (k == LIST_EXPRESSIONS || !items[i].counts[k])
                continue;
            struct filling f = {b, (uint32_t)i, (enum list_kind)k, OK};
            struct list_visit v = {add_entry, &f};
            enum err e = list_rows_each(d->store, items[i].name, f.kind, &v);
            if (e == OK)
                e = f.err;
            if (e != OK)
                return e;
        }
        if (!pulse->beat(pulse->ctx, 0.7 * (double)(i + 1) / (double)n, "building the index"))
            return ERR_CLOSED;
    }
    return OK;
}

static enum err write_file(void *ctx, struct str bytes)
{
    return fwrite(bytes.p, 1, bytes.n, ctx) == bytes.n ? OK : err_from_errno(errno);
}

/* categories.idx.tmp, synced, renamed: readers see the old index or the new one. */
static enum err write_index(const struct app *app, struct set_domain_builder *b,
                            struct set_domain_stats *stats)
{
    char *tmp;
    if (asprintf(&tmp, "%s.tmp", app->index_path) < 0)
        return ERR_NOMEM;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    enum err e = f ? OK : err_from_errno(errno);
    if (f) {
        e = set_domain_builder_finish(b, write_file, f, stats);
        if (e == OK && (fflush(f) != 0 || fsync(fd) != 0))
            e = err_from_errno(errno);
        if (fclose(f) != 0 && e == OK)
            e = err_from_errno(errno);
    } else if (fd >= 0) {
        close(fd);
    }
    if (e == OK && rename(tmp, app->index_path) != 0)
        e = err_from_errno(errno);
    if (e != OK)
        unlink(tmp);
    free(tmp);
    return e;
}

static char *figures_path(const struct app *app)
{
    char *path;
    return asprintf(&path, "%s.json", app->index_path) < 0 ? NULL : path;
}

static enum err write_figures(struct desk *d, uint64_t stamp, size_t n_categories,
                              const struct set_domain_stats *s)
{
    json_t *j = json_pack("{s:o,s:o,s:o,s:o}", "stamp", reply_u64(stamp & INT64_MAX), "entries",
                          reply_u64(s->n_memberships), "categories", reply_u64(n_categories),
                          "built_at", reply_time(now_ms(d)));
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL, *path = figures_path(d->app);
    enum err e = text && path ? mapfile_replace(path, str_of(text), 0600) : ERR_NOMEM;
    json_decref(j);
    free(text);
    free(path);
    return e;
}

/* One consistent view: list, content and stamp are of the same moment. */
static enum err build(struct desk *d, struct arena *a, const struct job_pulse *pulse)
{
    struct set_domain_builder *b = NULL;
    struct set_domain_stats stats = {0};
    struct list_category *items = NULL;
    uint64_t stamp = 0;
    size_t n = 0;
    enum err e = list_rows_content_stamp(d->store, &stamp);
    if (e == OK)
        e = list_rows_categories(d->store, a, &items, &n);
    struct str *names = e == OK ? arena_alloc(a, (n + 1) * sizeof *names) : NULL;
    for (size_t i = 0; names && i < n; i++)
        names[i] = items[i].name;
    if (e == OK)
        e = names ? set_domain_builder_new(names, n, &b) : ERR_NOMEM;
    if (e == OK)
        e = fill(d, items, n, b, pulse);
    if (e == OK && !pulse->beat(pulse->ctx, 0.75, "writing the index"))
        e = ERR_CLOSED;
    if (e == OK)
        e = write_index(d->app, b, &stats);
    if (e == OK)
        e = write_figures(d, stamp, n, &stats);
    set_domain_builder_free(b);
    return e;
}

enum err job_work_rebuild(struct desk *d, const struct job_pulse *pulse, char why[STORE_WHY_BYTES])
{
    struct arena a;
    arena_init(&a, 64u << 10, 64u << 20);
    enum err e = build(d, &a, pulse);
    arena_fini(&a);
    if (e != OK && !why[0])
        snprintf(why, STORE_WHY_BYTES, "the category index was not built: %s",
                 store_why(d->store)[0] ? store_why(d->store) : err_name(e));
    return e;
}

/* --- what there is -----------------------------------------------------------------------------
 */

static json_t *read_figures(const struct app *app)
{
    char *path = figures_path(app);
    json_t *j = path ? json_load_file(path, 0, NULL) : NULL;
    free(path);
    return j;
}

bool job_work_is_current(struct desk *d)
{
    uint64_t stamp;
    struct stat st;
    struct arena a;
    struct list_category *items;
    size_t n = 0;
    arena_init(&a, 64u << 10, 64u << 20);
    enum err e = list_rows_categories(d->store, &a, &items, &n);
    arena_fini(&a);
    if (e != OK || (!n && stat(d->app->index_path, &st) != 0))
        return true; /* nothing to build from */
    if (list_rows_content_stamp(d->store, &stamp) != OK || stat(d->app->index_path, &st) != 0)
        return false;
    json_t *j = read_figures(d->app);
    const json_t *was = json_object_get(j, "stamp");
    bool is_same = json_is_integer(was) && (uint64_t)json_integer_value(was) == (stamp & INT64_MAX);
    json_decref(j);
    return is_same;
}

bool job_work_opens(struct desk *d)
{
    bool is_damaged;
    struct category_index *x = policy_hold_index(d->app->policies, &is_damaged);
    category_index_unref(x);
    return !is_damaged;
}

json_t *job_work_index(struct desk *d)
{
    struct stat st;
    bool is_there = stat(d->app->index_path, &st) == 0;
    bool is_current = job_work_is_current(d);
    json_t *j = is_there ? read_figures(d->app) : NULL;
    json_t *built = json_object_get(j, "built_at");
    const char *state = !is_there            ? "missing"
                        : !job_work_opens(d) ? "damaged"
                        : is_current         ? "current"
                                             : "rebuilding";
    json_t *out = json_pack("{s:b,s:I,s:I,s:I,s:O,s:s}", "ready", (int)is_there, "bytes",
                            (json_int_t)(is_there ? st.st_size : 0), "entries",
                            json_integer_value(json_object_get(j, "entries")), "categories",
                            json_integer_value(json_object_get(j, "categories")), "built_at",
                            built ? built : json_null(), "state", state);
    json_decref(j);
    return out;
}
