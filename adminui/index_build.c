/* index_build: walk the store, fill a builder, write, rename. */
#include "adminui/index_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adminui/reply.h"
#include "base/mapfile.h"
#include "db/index_file.h"
#include "db/list_sources.h"

struct filling {
    struct set_domain_builder *builder;
    uint32_t category;
    enum list_kind kind;
    enum err err;
};

static enum set_domain_kind kind_of(enum list_kind kind, struct str entry)
{
    switch (kind) {
    case LIST_DOMAINS: return SET_DOMAIN_NAME;
    case LIST_URLS: return SET_DOMAIN_URL;
    case LIST_EXPRESSIONS: return SET_DOMAIN_EXPRESSION;
    case LIST_IPS: return str_find(entry, '/') == STR_NPOS ? SET_DOMAIN_NAME : SET_DOMAIN_NET;
    case LIST_EXCEPTIONS: return SET_DOMAIN_EXCEPTION;
    }
    return SET_DOMAIN_NAME;
}

static bool add_entry(void *ctx, const struct list_found *x)
{
    struct filling *f = ctx;
    f->err = set_domain_builder_add(f->builder, f->category, kind_of(f->kind, x->entry), x->entry);
    if (f->err == ERR_INVALID) /* a host without a path in a URL list: nothing to look up by */
        f->err = OK;
    return f->err == OK;
}

/* One category: of all sources but the local one, or of that alone. */
static enum err fill_category(struct desk *d, struct str name, uint32_t number, bool is_local,
                              struct set_domain_builder *b)
{
    enum err e = OK;
    for (int k = 0; k < LIST_KINDS && e == OK; k++) {
        struct filling f = {b, number, (enum list_kind)k, OK};
        struct list_walk walk = {.source = is_local ? LIST_SOURCE_LOCAL : (struct str){0},
                                 .leaves_out_local = !is_local,
                                 .found = add_entry,
                                 .ctx = &f};
        e = list_sources_walk(d->store, name, f.kind, &walk);
        e = e == OK ? f.err : e;
    }
    return e;
}

static enum err write_file(void *ctx, struct str bytes)
{
    return fwrite(bytes.p, 1, bytes.n, ctx) == bytes.n ? OK : err_from_errno(errno);
}

/* path.tmp, synced, renamed: readers see the old index or the new one. */
static enum err write_index(const char *path, struct set_domain_builder *b,
                            struct set_domain_stats *stats)
{
    char *tmp;
    if (asprintf(&tmp, "%s.tmp", path) < 0)
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
    if (e == OK && rename(tmp, path) != 0)
        e = err_from_errno(errno);
    if (e != OK)
        unlink(tmp);
    free(tmp);
    return e;
}

static char *join_path(const struct app *app, const char *which, const char *end)
{
    char *path;
    return asprintf(&path, "%s%s%s", app->index_path, which, end) < 0 ? NULL : path;
}

json_t *index_build_figures(const struct app *app, const char *which)
{
    char *path = join_path(app, which, ".json");
    json_t *j = path ? json_load_file(path, 0, NULL) : NULL;
    free(path);
    return j;
}

struct made { /* what the figures tell */
    uint64_t stamp;
    size_t n_categories;
    struct set_domain_stats stats;
};

static enum err write_figures(struct desk *d, const char *which, const struct made *m)
{
    json_t *j =
        json_pack("{s:o,s:o,s:o,s:o}", "stamp", reply_u64(m->stamp & INT64_MAX), "entries",
                  reply_u64(m->stats.n_memberships), "categories", reply_u64(m->n_categories),
                  "built_at", reply_time(clock_wall_ms(&d->app->clock)));
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    char *path = join_path(d->app, which, ".json");
    enum err e = text && path ? mapfile_replace(path, str_of(text), 0600) : ERR_NOMEM;
    json_decref(j);
    free(text);
    free(path);
    return e;
}

static enum err store_index(struct desk *d, const char *which, struct set_domain_builder *b,
                            struct made *m)
{
    char *path = join_path(d->app, which, "");
    enum err e = path ? write_index(path, b, &m->stats) : ERR_NOMEM;
    if (e == OK)
        e = write_figures(d, which, m);
    free(path);
    return e;
}

static void say_why(struct desk *d, enum err e, char why[STORE_WHY_BYTES])
{
    if (e != OK && !why[0])
        snprintf(why, STORE_WHY_BYTES, "the category index was not built: %s",
                 store_why(d->store)[0] ? store_why(d->store) : err_name(e));
}

/* --- all lists ----------------------------------------------------------------------------------
 */

static enum err fill_all(struct desk *d, const struct str *names, size_t n,
                         struct set_domain_builder *b, const struct job_pulse *pulse)
{
    for (size_t i = 0; i < n; i++) {
        enum err e = fill_category(d, names[i], (uint32_t)i, false, b);
        if (e != OK)
            return e;
        if (!pulse->beat(pulse->ctx, 0.7 * (double)(i + 1) / (double)n, "building the index"))
            return ERR_CLOSED;
    }
    return OK;
}

static enum err read_names(struct desk *d, struct arena *a, struct str **names, size_t *n)
{
    struct list_category *items = NULL;
    enum err e = list_rows_categories(d->store, a, &items, n);
    if (e != OK)
        return e;
    *names = arena_alloc(a, (*n + 1) * sizeof **names);
    for (size_t i = 0; *names && i < *n; i++)
        (*names)[i] = items[i].name;
    return *names ? OK : ERR_NOMEM;
}

/* The stamp is read first: content that comes later makes the index out of date, not wrong. */
static enum err build_main(struct desk *d, struct arena *a, const struct job_pulse *pulse)
{
    struct set_domain_builder *b = NULL;
    struct made m = {0};
    struct str *names = NULL;
    enum err e = list_rows_content_stamp(d->store, &m.stamp);
    if (e == OK)
        e = read_names(d, a, &names, &m.n_categories);
    if (e == OK)
        e = set_domain_builder_new(names, m.n_categories, &b);
    if (e == OK)
        e = fill_all(d, names, m.n_categories, b, pulse);
    if (e == OK && !pulse->beat(pulse->ctx, 0.75, "writing the index"))
        e = ERR_CLOSED;
    if (e == OK)
        e = store_index(d, "", b, &m);
    set_domain_builder_free(b);
    return e;
}

enum err index_build_main(struct desk *d, const struct job_pulse *pulse, char why[STORE_WHY_BYTES])
{
    struct arena a;
    arena_init(&a, 64u << 10, 64u << 20);
    enum err e = build_main(d, &a, pulse);
    arena_fini(&a);
    say_why(d, e, why);
    return e;
}

/* --- by hand ------------------------------------------------------------------------------------
 */

static enum err read_local_names(struct desk *d, struct arena *a, struct str **names, size_t *n)
{
    struct list_source *items;
    size_t all;
    enum err e = list_sources_of(d->store, a, (struct str){0}, &items, &all);
    if (e != OK)
        return e;
    *names = arena_alloc(a, (all + 1) * sizeof **names);
    for (size_t i = *n = 0; *names && i < all; i++)
        if (str_eq(items[i].source, LIST_SOURCE_LOCAL))
            (*names)[(*n)++] = items[i].category;
    return *names ? OK : ERR_NOMEM;
}

static enum err build_local(struct desk *d, struct arena *a)
{
    struct set_domain_builder *b = NULL;
    struct made m = {0};
    struct str *names = NULL;
    enum err e = list_sources_local_stamp(d->store, &m.stamp);
    if (e == OK)
        e = read_local_names(d, a, &names, &m.n_categories);
    if (e == OK)
        e = set_domain_builder_new(names, m.n_categories, &b);
    for (size_t i = 0; i < m.n_categories && e == OK; i++)
        e = fill_category(d, names[i], (uint32_t)i, true, b);
    if (e == OK)
        e = store_index(d, INDEX_FILE_LOCAL, b, &m);
    set_domain_builder_free(b);
    return e;
}

enum err index_build_local(struct desk *d, char why[STORE_WHY_BYTES])
{
    struct arena a;
    char *path = join_path(d->app, INDEX_FILE_LOCAL, ".lock");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    arena_init(&a, 64u << 10, 64u << 20);
    /* Whoever comes last reads the store after all before it have committed. */
    enum err e = fd >= 0 && flock(fd, LOCK_EX) == 0 ? OK : err_from_errno(errno);
    if (e == OK)
        e = build_local(d, &a);
    if (fd >= 0)
        close(fd);
    arena_fini(&a);
    free(path);
    say_why(d, e, why);
    return e;
}

bool index_build_local_is_current(struct desk *d)
{
    uint64_t stamp = 0;
    if (list_sources_local_stamp(d->store, &stamp) != OK || stamp == 0)
        return true; /* never had any */
    json_t *j = index_build_figures(d->app, INDEX_FILE_LOCAL);
    const json_t *was = json_object_get(j, "stamp");
    bool is_same = json_is_integer(was) && (uint64_t)json_integer_value(was) == (stamp & INT64_MAX);
    json_decref(j);
    char *path = join_path(d->app, INDEX_FILE_LOCAL, "");
    struct stat st;
    is_same = is_same && path && stat(path, &st) == 0;
    free(path);
    return is_same;
}
