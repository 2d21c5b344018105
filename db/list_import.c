/* list_import: uploads to category content with a report. */
#include "db/list_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "db/list_archive.h"
#include "db/list_set.h"
#include "db/list_sources.h"

#define FEED_BYTES     ((size_t)256 << 10)
#define REJECT_CEILING ((size_t)64 << 20)

struct category {
    struct list_import_category shown; /* first: list_import_at hands it out */
    struct list_set sets[LIST_KINDS];
    struct list_reject *rejects; /* LIST_REJECTS_MAX of them, from the first one on */
};

struct list_import {
    struct list_import_options o;
    struct arena arena; /* names, texts of rejects */
    struct map by_name;
    struct category **categories;
    size_t n, cap;
    struct category general; /* what belongs to no category: links, unknown files */
    uint64_t n_entries;
    double total_bytes;
    char *why;

    /* the file at hand */
    struct category *current;
    struct list_reader *reader;
    struct str file;
    enum err e;
};

/* --- categories and what goes into them --- */

static void init_category(struct category *c, struct str name)
{
    *c = (struct category){.shown = {.name = name}};
    for (int k = 0; k < LIST_KINDS; k++)
        list_set_init(&c->sets[k]);
}

static enum err category_of(struct list_import *im, struct str name, struct category **out)
{
    struct category *c = map_get(&im->by_name, name);
    if (c) {
        *out = c;
        return OK;
    }
    if (im->n == im->cap) {
        size_t cap = im->cap ? im->cap * 2 : 16;
        struct category **more = realloc(im->categories, cap * sizeof(struct category *));
        if (!more)
            return ERR_NOMEM;
        im->categories = more;
        im->cap = cap;
    }
    struct str copy = arena_str(&im->arena, name);
    c = copy.p ? malloc(sizeof *c) : NULL;
    if (!c)
        return ERR_NOMEM;
    init_category(c, copy);
    im->categories[im->n++] = c;
    *out = c;
    return map_put(&im->by_name, copy, c, NULL);
}

static void add_reject(struct list_import *im, struct category *c, const struct list_reject *r)
{
    c->shown.n_rejected++;
    if (!c->rejects)
        c->shown.rejects = c->rejects = calloc(LIST_REJECTS_MAX, sizeof *c->rejects);
    if (!c->rejects || c->shown.n_rejects == LIST_REJECTS_MAX)
        return;
    struct list_reject copy = {.line = r->line,
                               .file = arena_str(&im->arena, r->file),
                               .text = arena_str(&im->arena, r->text),
                               .reason = arena_str(&im->arena, r->reason)};
    if (copy.file.p && copy.text.p && copy.reason.p)
        c->rejects[c->shown.n_rejects++] = copy;
}

static void on_entry(void *ctx, enum list_kind kind, struct str text)
{
    struct list_import *im = ctx;
    if (im->e == OK && ++im->n_entries > LIST_IMPORT_MAX_ENTRIES) {
        snprintf(im->why, STORE_WHY_BYTES, "more than %llu entries",
                 (unsigned long long)LIST_IMPORT_MAX_ENTRIES);
        im->e = ERR_LIMIT;
    }
    if (im->e == OK)
        im->e = list_set_add(&im->current->sets[kind], text);
}

static void on_reject(void *ctx, uint64_t line, struct str text, const char *reason)
{
    struct list_import *im = ctx;
    add_reject(im, im->current, &(struct list_reject){line, im->file, text, str_of(reason)});
}

static enum err begin_file(struct list_import *im, struct category *c, enum list_format f,
                           struct str file)
{
    struct list_sink sink = {on_entry, on_reject, im};
    im->current = c;
    im->file = arena_str(&im->arena, file);
    if (!im->file.p)
        return ERR_NOMEM;
    return list_formats_new(f, &sink, &im->reader);
}

static void end_file(struct list_import *im)
{
    if (!im->reader)
        return;
    list_formats_end(im->reader);
    im->current->shown.format = list_formats_seen(im->reader);
    list_formats_free(im->reader);
    im->reader = NULL;
}

static enum err report_progress(struct list_import *im, uint64_t done)
{
    if (!im->o.progress || im->o.progress(im->o.ctx, (double)done / im->total_bytes))
        return OK;
    snprintf(im->why, STORE_WHY_BYTES, "cancelled");
    return ERR_CLOSED;
}

/* --- archives --- */

struct place { /* what a path in an archive means */
    char category[80];
    enum list_format format;
    bool is_known; /* a list we read */
    bool is_quiet; /* needs no word in the report */
};

static void copy_name(struct place *p, struct str name)
{
    size_t n = name.n < sizeof p->category - 1 ? name.n : sizeof p->category - 1;
    for (size_t i = 0; i < n; i++)
        p->category[i] = name.p[i] == ' ' ? '-' : str_lower(name.p[i]);
    p->category[n] = '\0';
}

static bool is_one_of(struct str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(s, str_of(words[i])))
            return true;
    }
    return false;
}

static bool format_of_word(struct str word, enum list_format *out)
{
    static const char *const plain[] = {"domains", "urls", "ips", "sites"};
    static const char *const guess[] = {"txt", "list", "hosts", "csv", "conf"};
    if (is_one_of(word, plain, 4))
        *out = LIST_FORMAT_PLAIN;
    else if (str_eq_nocase(word, STR("expressions")))
        *out = LIST_FORMAT_EXPRESSIONS;
    else if (is_one_of(word, guess, 5))
        *out = LIST_AUTO;
    else
        return false;
    return true;
}

/* "blacklists/adult/domains", "adult.domains", "adult.txt". */
static struct place place_of(struct str path)
{
    static const char *const quiet[] = {"usage",   "global_usage", "very_restrictive_expression",
                                        "README",  "LICENSE",      "LICENCE",
                                        "license", "COPYING",      "README.md"};
    struct place p = {.format = LIST_AUTO};
    size_t slash = str_rfind(path, '/');
    struct str name = slash == STR_NPOS ? path : str_sub(path, slash + 1, path.n);
    struct str folder = str_sub(path, 0, slash == STR_NPOS ? 0 : slash);
    size_t above = str_rfind(folder, '/');
    struct str parent = above == STR_NPOS ? folder : str_sub(folder, above + 1, folder.n);
    size_t dot = str_rfind(name, '.');
    p.is_quiet =
        is_one_of(name, quiet, sizeof quiet / sizeof *quiet) || str_ends(name, STR(".pdf"));
    if (dot == STR_NPOS) {
        p.is_known = !p.is_quiet && parent.n && format_of_word(name, &p.format);
        copy_name(&p, parent);
    } else {
        p.is_known =
            !p.is_quiet && dot > 0 && format_of_word(str_sub(name, dot + 1, name.n), &p.format);
        copy_name(&p, str_sub(name, 0, dot));
    }
    return p;
}

static bool leaves_archive(struct str path)
{
    struct str part;
    if (path.n && path.p[0] == '/')
        return true;
    while (str_split(&path, '/', &part)) {
        if (str_eq(part, STR("..")))
            return true;
    }
    return false;
}

static void skip(struct list_import *im, struct str path, const char *why)
{
    add_reject(im, &im->general,
               &(struct list_reject){0, path, str_sub(path, 0, 200), str_of(why)});
}

/* Where the content of this member goes; NULL: nowhere. */
static enum err choose(struct list_import *im, struct str path, struct place *p,
                       struct category **out)
{
    *out = NULL;
    if (im->o.category.n)
        return category_of(im, im->o.category, out);
    struct str name = str_of(p->category);
    if (!list_rows_is_name(name)) {
        skip(im, path, "its name cannot be a category's name");
        return OK;
    }
    if (im->o.prefix.n && !str_starts(name, im->o.prefix))
        return OK;
    return category_of(im, name, out);
}

static enum err begin_member(struct list_import *im, const struct list_archive_member *m,
                             bool *wants_data)
{
    struct place p = place_of(m->path);
    struct category *c;
    if (m->path.n == 0) { /* one packed list */
        if (im->o.category.n == 0) {
            snprintf(im->why, STORE_WHY_BYTES, "a single list needs a category to go to");
            return ERR_INVALID;
        }
        p = (struct place){.format = im->o.format, .is_known = true};
    }
    if (p.format == LIST_AUTO && im->o.format != LIST_FORMAT_SQUIDGUARD)
        p.format = im->o.format;
    if (!p.is_known) {
        if (!p.is_quiet)
            skip(im, m->path, "not a list we know by its name");
        return OK;
    }
    enum err e = choose(im, m->path, &p, &c);
    if (e != OK || !c)
        return e;
    *wants_data = true;
    return begin_file(im, c, p.format, m->path);
}

static enum err on_member(void *ctx, const struct list_archive_member *m, bool *wants_data)
{
    struct list_import *im = ctx;
    enum err e = report_progress(im, m->bytes_read);
    if (e != OK)
        return e;
    if (m->link.n)
        skip(im, m->path, "a link to another file, not followed");
    else if (leaves_archive(m->path))
        skip(im, m->path, "its path leads out of the archive");
    else if (m->is_file)
        return begin_member(im, m, wants_data);
    else if (!m->is_folder)
        skip(im, m->path, "neither a file nor a folder");
    return OK;
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct list_import *im = ctx;
    list_formats_feed(im->reader, bytes);
    return im->e;
}

static enum err on_end(void *ctx)
{
    struct list_import *im = ctx;
    end_file(im);
    return im->e;
}

static enum err read_archive(struct list_import *im, struct str bytes)
{
    struct list_archive_limits limits = {im->o.max_bytes ? im->o.max_bytes : LIST_IMPORT_MAX_BYTES,
                                         LIST_IMPORT_MAX_MEMBERS};
    struct list_archive_sink sink = {on_member, on_data, on_end, im};
    return list_archive_read(bytes, &limits, &sink, im->why);
}

/* --- single lists --- */

/* One byte in twenty that no text has, in the beginning; UTF-16 says so by its mark. */
static bool is_binary(struct str bytes)
{
    struct str s = str_sub(bytes, 0, FEED_BYTES);
    size_t n = 0;
    if (str_starts(s, STR("\xff\xfe")) || str_starts(s, STR("\xfe\xff")))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        n += c < 0x20 && (c < '\t' || c > '\r');
    }
    return n > s.n / 20;
}

static enum err read_list(struct list_import *im, struct str bytes)
{
    struct category *c;
    if (is_binary(bytes)) {
        snprintf(im->why, STORE_WHY_BYTES, "this is no text: it begins with binary data");
        return ERR_INVALID;
    }
    if (im->o.category.n == 0) {
        snprintf(im->why, STORE_WHY_BYTES, "a single list needs a category to go to");
        return ERR_INVALID;
    }
    if (bytes.n > (im->o.max_bytes ? im->o.max_bytes : LIST_IMPORT_MAX_BYTES)) {
        snprintf(im->why, STORE_WHY_BYTES, "the list is larger than is allowed");
        return ERR_LIMIT;
    }
    enum err e = category_of(im, im->o.category, &c);
    if (e == OK)
        e = begin_file(im, c, im->o.format, str_make("", 0));
    for (size_t at = 0; e == OK && at < bytes.n; at += FEED_BYTES) {
        list_formats_feed(im->reader, str_sub(bytes, at, at + FEED_BYTES));
        e = im->e == OK ? report_progress(im, at) : im->e;
    }
    if (e == OK)
        end_file(im);
    return e == OK ? im->e : e;
}

/* --- finishing --- */

static enum err seal(struct category *c)
{
    struct list_import_category *x = &c->shown;
    for (int k = 0; k < LIST_KINDS; k++) {
        enum err e = list_set_seal(&c->sets[k]);
        if (e != OK)
            return e;
        x->counts[k] = c->sets[k].n;
        x->accepted += c->sets[k].n;
        x->duplicates += c->sets[k].duplicates;
    }
    return OK;
}

static int by_name(const void *a, const void *b)
{
    const struct category *const *x = a, *const *y = b;
    return str_cmp((*x)->shown.name, (*y)->shown.name);
}

static enum err seal_all(struct list_import *im)
{
    uint64_t accepted = 0;
    for (size_t i = 0; i < im->n; i++) {
        enum err e = seal(im->categories[i]);
        if (e != OK)
            return e;
        accepted += im->categories[i]->shown.accepted;
    }
    if (im->n)
        qsort(im->categories, im->n, sizeof(struct category *), by_name);
    if (accepted)
        return OK;
    uint64_t refused = im->general.shown.n_rejected;
    for (size_t i = 0; i < im->n; i++)
        refused += im->categories[i]->shown.n_rejected;
    if (im->n && im->o.category.n && refused == 0)
        return OK; /* an empty list empties the category: that may be meant */
    snprintf(im->why, STORE_WHY_BYTES, "nothing in it could be read as a list (%llu refused)",
             (unsigned long long)refused);
    return ERR_INVALID;
}

enum err list_import_read(const struct list_import_options *o, struct str bytes,
                          char why[STORE_WHY_BYTES], struct list_import **out)
{
    struct list_import *im = calloc(1, sizeof *im);
    snprintf(why, STORE_WHY_BYTES, "out of memory");
    if (!im)
        return ERR_NOMEM;
    im->o = *o;
    im->why = why;
    im->total_bytes = bytes.n ? (double)bytes.n : 1;
    arena_init(&im->arena, (size_t)16 << 10, REJECT_CEILING);
    map_init(&im->by_name);
    init_category(&im->general, str_make("", 0));
    enum err e = OK;
    if (o->category.n && !list_rows_is_name(o->category)) {
        snprintf(why, STORE_WHY_BYTES, "the category's name is not a valid one");
        e = ERR_INVALID;
    }
    if (e == OK)
        e = list_archive_is(bytes) ? read_archive(im, bytes) : read_list(im, bytes);
    if (e == OK)
        e = seal_all(im);
    if (e == OK)
        e = report_progress(im, bytes.n);
    im->why = NULL;
    if (e != OK) {
        list_import_free(im);
        return e;
    }
    why[0] = '\0';
    *out = im;
    return OK;
}

static void free_category(struct category *c)
{
    for (int k = 0; k < LIST_KINDS; k++)
        list_set_fini(&c->sets[k]);
    free(c->rejects);
}

void list_import_free(struct list_import *im)
{
    if (!im)
        return;
    for (size_t i = 0; i < im->n; i++) {
        free_category(im->categories[i]);
        free(im->categories[i]);
    }
    free_category(&im->general);
    list_formats_free(im->reader);
    free(im->categories);
    map_fini(&im->by_name);
    arena_fini(&im->arena);
    free(im);
}

size_t list_import_count(const struct list_import *im)
{
    return im->n;
}

const struct list_import_category *list_import_at(const struct list_import *im, size_t i)
{
    return &im->categories[i]->shown;
}

const struct list_import_category *list_import_general(const struct list_import *im)
{
    return &im->general.shown;
}

void list_import_each(const struct list_import *im, size_t i, enum list_kind kind,
                      const struct list_visit *v)
{
    struct str rest = list_set_text(&im->categories[i]->sets[kind]), entry;
    while (list_set_next(&rest, &entry)) {
        if (!v->entry(v->ctx, entry))
            return;
    }
}

/* --- into the store --- */

static enum err save_kind(struct store *s, struct category *c, enum list_kind kind,
                          const struct list_import_save *how)
{
    struct list_change change;
    struct list_content content = {.category = c->shown.name,
                                   .source = how->origin.n ? how->origin : LIST_SOURCE_UPLOAD,
                                   .title = how->source,
                                   .format = str_of(list_format_name(c->shown.format)),
                                   .kind = kind,
                                   .text = list_set_text(&c->sets[kind]),
                                   .n_entries = c->sets[kind].n,
                                   .at_ms = how->at_ms,
                                   .is_merge = how->merge,
                                   .is_dry_run = how->dry_run};
    enum err e = list_sources_put(s, &content, &change);
    if (e != OK)
        return e;
    c->shown.before += change.before;
    c->shown.added += change.added;
    c->shown.removed += change.removed;
    return OK;
}

static enum err save_category(struct store *s, struct category *c,
                              const struct list_import_save *how)
{
    struct list_import_category *x = &c->shown;
    x->before = x->added = x->removed = 0;
    for (int k = 0; k < LIST_KINDS; k++) {
        enum err e = save_kind(s, c, (enum list_kind)k, how);
        if (e != OK)
            return e;
    }
    if (how->dry_run)
        return OK;
    struct list_report report = {.at_ms = how->at_ms,
                                 .format = str_of(list_format_name(x->format)),
                                 .source = how->source,
                                 .accepted = x->accepted,
                                 .duplicates = x->duplicates,
                                 .n_rejected = x->n_rejected,
                                 .added = x->added,
                                 .removed = x->removed,
                                 .rejects = c->rejects,
                                 .n_rejects = x->n_rejects};
    return list_rows_put_report(s, x->name, &report);
}

static enum err drop_missing(struct list_import *im, struct store *s,
                             const struct list_import_save *how)
{
    struct arena a;
    struct list_source *items = NULL;
    size_t n = 0;
    arena_init(&a, (size_t)16 << 10, (size_t)64 << 20);
    enum err e = list_sources_of(s, &a, (struct str){0}, &items, &n);
    for (size_t i = 0; i < n && e == OK; i++)
        if (str_eq(items[i].source, how->origin) && !map_get(&im->by_name, items[i].category))
            e = list_sources_delete(s, how->origin, items[i].category);
    arena_fini(&a);
    return e;
}

enum err list_import_save(struct list_import *im, struct store *s,
                          const struct list_import_save *how)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    for (size_t i = 0; i < im->n && e == OK; i++)
        e = save_category(s, im->categories[i], how);
    if (e == OK && how->drops_missing && !how->merge && !how->dry_run)
        e = drop_missing(im, s, how);
    return store_end(s, e);
}
