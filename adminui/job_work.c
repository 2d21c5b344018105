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

#include "adminui/index_build.h"
#include "adminui/policy_hold.h"
#include "adminui/reply.h"
#include "base/mapfile.h"
#include "db/list_check.h"
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

static void add_rejects(json_t *all, const struct list_import_category *x)
{
    for (size_t k = 0; k < x->n_rejects && json_array_size(all) < REJECTS_SHOWN; k++) {
        const struct list_reject *r = &x->rejects[k];
        json_array_append_new(all, json_pack("{s:o,s:o,s:o,s:o}", "line", reply_u64(r->line),
                                             "text", reply_str(r->text), "reason",
                                             reply_str(r->reason), "file", reply_str(r->file)));
    }
}

static json_t *rejects_json(const struct list_import *im)
{
    json_t *all = json_array();
    add_rejects(all, list_import_general(im)); /* whole files of an archive */
    for (size_t i = 0; i < list_import_count(im); i++)
        add_rejects(all, list_import_at(im, i));
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

static json_t *warnings_json(const struct list_warnings *w)
{
    json_t *all = json_array();
    for (size_t i = 0; i < w->n; i++) {
        json_t *entries = json_array();
        for (size_t k = 0; k < w->v[i].n_entries; k++)
            json_array_append_new(entries, reply_str(w->v[i].entries[k]));
        json_array_append_new(all, json_pack("{s:s,s:o,s:s,s:o,s:o}", "code",
                                             list_check_code(w->v[i].code), "category",
                                             reply_str(w->v[i].category), "text", w->v[i].text,
                                             "entries", entries, "n", reply_u64(w->v[i].n)));
    }
    return all;
}

static json_t *result_json(const struct list_import *im, const struct job_order *o, int64_t ms)
{
    uint64_t accepted = 0, duplicates = 0, added = 0, removed = 0;
    uint64_t n_rejected = list_import_general(im)->n_rejected;
    json_t *all = json_array();
    const char *format = o->kind == JOB_TREE ? "squidguard" : "";
    for (size_t i = 0; i < list_import_count(im); i++) {
        const struct list_import_category *x = list_import_at(im, i);
        accepted += x->accepted;
        duplicates += x->duplicates;
        n_rejected += x->n_rejected;
        added += x->added;
        removed += x->removed;
        json_array_append_new(all, category_json(x));
        if (!*format)
            format = list_format_name(x->format);
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:b,s:b,s:s,s:I}", "not_matched",
                     json_integer(0), "accepted", reply_u64(accepted), "duplicates",
                     reply_u64(duplicates), "rejected", rejects_json(im), "n_rejected",
                     reply_u64(n_rejected), "format", format, "added", reply_u64(added), "removed",
                     reply_u64(removed), "categories", all, "index", json_null(), "dry_run",
                     (int)o->dry_run, "applied", 0, "message", "", "ms", (json_int_t)ms);
}

/* What would empty a category is taken back, unless somebody has said that it is meant. */
static enum err refuse_shrunk(const struct job_order *o, const struct list_import *im,
                              struct list_warnings *w, char why[STORE_WHY_BYTES])
{
    size_t before = w->n;
    enum err e = o->merge ? OK : list_check_change(im, w);
    if (e != OK || w->n == before || o->dry_run || o->force)
        return e;
    snprintf(why, STORE_WHY_BYTES, "%.180s; nothing was changed (force=true when it is meant)",
             w->v[before].text);
    return ERR_CONFLICT;
}

static enum err save(struct desk *d, const struct job_order *o, struct list_import *im,
                     struct list_warnings *w, char why[STORE_WHY_BYTES])
{
    struct list_import_save how = {
        .merge = o->merge, .dry_run = o->dry_run, .source = o->source, .at_ms = now_ms(d)};
    enum err e = list_check_names(im, w);
    if (e == OK)
        e = store_begin(d->store);
    if (e != OK)
        return e;
    e = list_import_save(im, d->store, &how);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "%s", store_why(d->store));
    else
        e = refuse_shrunk(o, im, w, why);
    return store_end(d->store, e);
}

enum err job_work_import(struct desk *d, const struct job_order *order,
                         const struct job_pulse *pulse, char why[STORE_WHY_BYTES], json_t **result)
{
    struct mapfile m = {0};
    struct list_import *im = NULL;
    struct list_warnings warnings = {0};
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
        e = save(d, order, im, &warnings, why);
    if (e == OK) {
        *result = result_json(im, order, clock_mono_ms(&d->app->clock) - began);
        json_object_set_new(*result, "warnings", warnings_json(&warnings));
    }
    list_check_fini(&warnings);
    list_import_free(im);
    return e;
}

/* --- index -------------------------------------------------------------------------------------
 */

enum err job_work_rebuild(struct desk *d, const struct job_pulse *pulse, char why[STORE_WHY_BYTES])
{
    enum err e = index_build_main(d, pulse, why);
    if (e == OK && (!index_build_local_is_current(d) || !job_work_opens(d)))
        e = index_build_local(d, why);
    return e;
}

/* --- what there is -----------------------------------------------------------------------------
 */

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
    if (!index_build_local_is_current(d))
        return false;
    if (list_rows_content_stamp(d->store, &stamp) != OK || stat(d->app->index_path, &st) != 0)
        return false;
    json_t *j = index_build_figures(d->app, "");
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
    json_t *j = is_there ? index_build_figures(d->app, "") : NULL;
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
