/* subscription_diff: both sides are sorted alike, so one walk over each is enough. What is stored
 * of one category and kind is held as text meanwhile. */
#include "adminui/subscription_diff.h"

#include <stdlib.h>

#include "adminui/reply.h"
#include "base/buf.h"
#include "db/list_sources.h"

#define STORED_MAX ((size_t)256 << 20)

static void add_example(json_t *list, struct str entry)
{
    if (json_array_size(list) < SUBSCRIPTION_DIFF_SHOWN)
        json_array_append_new(list, reply_str(entry));
}

static bool keep(void *ctx, const struct list_found *f)
{
    struct buf *out = ctx;
    buf_add(out, f->entry);
    buf_add_c(out, '\n');
    return !out->failed;
}

struct walk {
    struct str rest, next; /* of what is stored; next: its next entry */
    bool has_next;
    json_t *added, *removed;
};

static void step(struct walk *w)
{
    w->has_next = w->rest.n && str_split(&w->rest, '\n', &w->next);
}

static bool compare(void *ctx, struct str entry)
{
    struct walk *w = ctx;
    while (w->has_next && str_cmp(w->next, entry) < 0) {
        add_example(w->removed, w->next);
        step(w);
    }
    if (w->has_next && str_cmp(w->next, entry) == 0)
        step(w);
    else
        add_example(w->added, entry);
    return true;
}

/* at: number in the import, or list_import_count() for a category that it does not name. */
static enum err compare_kind(struct store *s, const struct list_import *im, size_t at,
                             const struct list_source *x, json_t *const lists[2])
{
    struct buf stored;
    struct walk w = {.added = lists[0], .removed = lists[1]};
    struct list_visit visit = {compare, &w};
    enum err e = OK;
    buf_init(&stored, STORED_MAX);
    for (int k = 0; k < LIST_KINDS && e == OK; k++) {
        struct list_walk from = {.source = x->source, .found = keep, .ctx = &stored};
        buf_clear(&stored);
        e = list_sources_walk(s, x->category, (enum list_kind)k, &from);
        if (stored.failed)
            e = ERR_NOMEM;
        if (e != OK)
            break;
        w.rest = buf_str(&stored);
        step(&w);
        if (at < list_import_count(im))
            list_import_each(im, at, (enum list_kind)k, &visit);
        for (; w.has_next; step(&w))
            add_example(w.removed, w.next);
    }
    buf_fini(&stored);
    return e;
}

static size_t place(const struct list_import *im, struct str category)
{
    size_t i = 0;
    while (i < list_import_count(im) && !str_eq(list_import_at(im, i)->name, category))
        i++;
    return i;
}

static bool is_stored(const struct list_source *items, size_t n, struct str category,
                      struct str origin)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(items[i].category, category) && str_eq(items[i].source, origin))
            return true;
    return false;
}

static enum err compare_all(struct store *s, const struct list_import *im, struct str origin,
                            json_t *const lists[2])
{
    struct arena a;
    struct list_source *items = NULL;
    size_t n = 0;
    arena_init(&a, (size_t)16 << 10, (size_t)64 << 20);
    enum err e = list_sources_of(s, &a, STR(""), &items, &n);
    for (size_t i = 0; i < n && e == OK; i++)
        if (str_eq(items[i].source, origin))
            e = compare_kind(s, im, place(im, items[i].category), &items[i], lists);
    for (size_t i = 0; i < list_import_count(im) && e == OK; i++) {
        struct list_source fresh = {.category = list_import_at(im, i)->name, .source = origin};
        if (!is_stored(items, n, fresh.category, origin))
            e = compare_kind(s, im, i, &fresh, lists);
    }
    arena_fini(&a);
    return e;
}

enum err subscription_diff_examples(struct store *s, const struct list_import *im,
                                    struct str origin, json_t *into)
{
    json_t *const lists[2] = {json_array(), json_array()};
    enum err e = compare_all(s, im, origin, lists);
    json_object_set_new(into, "examples_added", lists[0]);
    json_object_set_new(into, "examples_removed", lists[1]);
    return e;
}

/* --- suffixes ----------------------------------------------------------------------------------
 */

/* In order. Not every public suffix: those that no list means, and that hurt at once. A name of one
 * label (com) is refused by the reading already. */
static const char *const suffixes[] = {
    "ac.jp",  "ac.uk",   "co.id",  "co.il",  "co.in",  "co.jp",  "co.kr",    "co.nz",
    "co.uk",  "co.za",   "com.ar", "com.au", "com.br", "com.cn", "com.co",   "com.hk",
    "com.mx", "com.pl",  "com.sg", "com.tr", "com.tw", "com.ua", "edu.au",   "edu.cn",
    "go.jp",  "gouv.fr", "gov.au", "gov.br", "gov.uk", "ltd.uk", "ne.jp",    "net.au",
    "nhs.uk", "or.at",   "or.jp",  "org.au", "org.br", "org.uk", "police.uk"};

static int by_text(const void *key, const void *member)
{
    const struct str *name = key;
    const char *const *suffix = member;
    return str_cmp(*name, str_of(*suffix));
}

static bool look(void *ctx, struct str entry)
{
    struct str *found = ctx;
    const char *const *hit =
        bsearch(&entry, suffixes, sizeof suffixes / sizeof *suffixes, sizeof *suffixes, by_text);
    if (hit)
        *found = str_of(*hit);
    return !hit;
}

struct str subscription_diff_suffix(const struct list_import *im)
{
    struct str found = {0};
    struct list_visit visit = {look, &found};
    for (size_t i = 0; i < list_import_count(im) && !found.n; i++)
        list_import_each(im, i, LIST_DOMAINS, &visit);
    return found;
}
