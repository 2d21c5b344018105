/* job_convert: unpack into memory, convert, store what became categories. */
#include "adminui/job_convert.h"

#include <stdio.h>
#include <stdlib.h>

#include "adminui/reply.h"
#include "base/mapfile.h"
#include "convert/convert.h"
#include "db/list_archive.h"
#include "db/list_import.h"

#define FILES_MAX    5000
#define UNPACKED_MAX ((uint64_t)512 << 20)

struct unpacked {
    struct upload_file files[FILES_MAX];
    size_t n;
    struct buf open; /* of the member being read */
    struct arena arena;
    struct str name;
};

static enum err on_member(void *ctx, const struct list_archive_member *m, bool *wants_data)
{
    struct unpacked *u = ctx;
    *wants_data = m->is_file && u->n < FILES_MAX;
    u->name = arena_str(&u->arena, m->path.n ? m->path : STR("upload"));
    return u->name.p ? OK : ERR_NOMEM;
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct unpacked *u = ctx;
    buf_add(&u->open, bytes);
    return u->open.failed ? ERR_LIMIT : OK;
}

static enum err on_end(void *ctx)
{
    struct unpacked *u = ctx;
    struct str bytes = arena_str(&u->arena, buf_str(&u->open));
    buf_clear(&u->open);
    u->files[u->n++] = (struct upload_file){u->name, bytes};
    return bytes.p ? OK : ERR_NOMEM;
}

static enum err unpack(struct str upload, struct str lone_name, struct unpacked *u,
                       char why[STORE_WHY_BYTES])
{
    const struct list_archive_limits limits = {UNPACKED_MAX, LIST_IMPORT_MAX_MEMBERS};
    const struct list_archive_sink sink = {on_member, on_data, on_end, u};
    char detail[240] = "";
    if (!list_archive_is(upload)) {
        u->files[u->n++] = (struct upload_file){lone_name.n ? lone_name : STR("upload"), upload};
        return OK;
    }
    enum err e = list_archive_read(upload, &limits, &sink, detail);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "%s",
                 e == ERR_LIMIT ? "the archive unpacks to more than 512 MiB or too many files"
                                : detail);
    return e;
}

/* One kind of content of one category into the store. */
static enum err store_text(struct desk *d, struct str category, struct str text, bool is_expression,
                           char why[STORE_WHY_BYTES])
{
    struct list_import *im = NULL;
    struct list_import_options o = {.category = category,
                                    .format = is_expression ? LIST_FORMAT_EXPRESSIONS : LIST_AUTO};
    struct list_import_save how = {
        .merge = true, .source = STR("converted"), .at_ms = clock_wall_ms(&d->app->clock)};
    if (!text.n)
        return OK;
    enum err e = list_import_read(&o, text, why, &im);
    if (e == OK)
        e = list_import_save(im, d->store, &how);
    if (e != OK && !why[0])
        snprintf(why, STORE_WHY_BYTES, "%s", store_why(d->store));
    list_import_free(im);
    return e;
}

static enum err store_categories(struct desk *d, const struct outcome *o,
                                 const struct job_pulse *pulse, char why[STORE_WHY_BYTES])
{
    for (size_t i = 0; i < o->n_categories; i++) {
        const struct outcome_category *c = &o->categories[i];
        enum err e = store_text(d, c->name, buf_str(&c->text), false, why);
        if (e == OK)
            e = store_text(d, c->name, buf_str(&c->expressions), true, why);
        if (e != OK)
            return e;
        if (!pulse->beat(pulse->ctx, 0.5 + 0.5 * (double)(i + 1) / (double)o->n_categories,
                         "storing categories"))
            return ERR_CLOSED;
    }
    return OK;
}

static json_t *result_json(const struct outcome *o, enum convert_kind kind, bool is_stored)
{
    json_t *counts = json_object(), *categories = json_array();
    for (int k = 0; k < OUTCOME_N_KINDS; k++)
        json_object_set_new(counts, outcome_kind_name((enum outcome_kind)k), reply_u64(o->n[k]));
    for (size_t i = 0; i < o->n_categories; i++)
        json_array_append_new(categories,
                              json_pack("{s:o,s:o}", "name", reply_str(o->categories[i].name),
                                        "entries", reply_u64(o->categories[i].n_entries)));
    json_t *settings = json_object();
    if (o->upstreams)
        json_object_set(settings, "upstreams", o->upstreams);
    if (o->privacy)
        json_object_set(settings, "privacy", o->privacy);
    return json_pack("{s:s,s:O,s:o,s:O,s:o,s:o,s:o,s:b}", "from", convert_kind_name(kind),
                     "document", o->document, "settings", settings, "report", o->report, "counts",
                     counts, "rows_left_out", reply_u64(o->n_rows_lost), "categories", categories,
                     "stored", (int)is_stored);
}

static enum err convert(const struct job_order *order, const struct unpacked *u,
                        enum convert_kind *kind, struct outcome *o, char why[STORE_WHY_BYTES])
{
    const struct upload upload = {u->files, u->n};
    if (!convert_kind_from_name(order->category, kind))
        return ERR_INVALID;
    enum err e = convert_run(&upload, kind, o);
    if (e == ERR_INVALID)
        snprintf(why, STORE_WHY_BYTES,
                 "no squid.conf, squidGuard.conf or e2guardian configuration is in the upload");
    if (e == ERR_LIMIT)
        snprintf(why, STORE_WHY_BYTES, "too many lines, or files that include one another");
    return e;
}

enum err job_convert(struct desk *d, const struct job_order *order, const struct job_pulse *pulse,
                     char why[STORE_WHY_BYTES], json_t **result)
{
    struct mapfile m = {0};
    struct outcome o;
    enum convert_kind kind = CONVERT_AUTO;
    struct unpacked *u = calloc(1, sizeof *u);
    if (!u)
        return ERR_NOMEM;
    arena_init(&u->arena, 1u << 20, UNPACKED_MAX + (64u << 20));
    buf_init(&u->open, UNPACKED_MAX);
    outcome_init(&o);
    enum err e = mapfile_open(&m, order->take_upload);
    if (e != OK)
        snprintf(why, STORE_WHY_BYTES, "the upload cannot be read: %s", err_name(e));
    if (e == OK)
        e = unpack(str_make(m.p, m.n), order->source, u, why);
    if (e == OK)
        e = convert(order, u, &kind, &o, why);
    if (e == OK && !pulse->beat(pulse->ctx, 0.5, "converted"))
        e = ERR_CLOSED;
    bool is_stored = e == OK && !order->dry_run && o.n_categories;
    if (is_stored)
        e = store_categories(d, &o, pulse, why);
    if (e == OK)
        *result = result_json(&o, kind, is_stored);
    outcome_fini(&o);
    mapfile_close(&m);
    buf_fini(&u->open);
    arena_fini(&u->arena);
    free(u);
    return e;
}
