/* list_sources: rows per category, source and kind; a refresh is one walk through two sorted
 * texts. */
#include "db/list_sources.h"

#include <stdlib.h>
#include <string.h>

#include "db/list_pack.h"
#include "db/list_set.h"
#include "db/row.h"

#define NAME_BYTES 80

bool list_sources_is_name(struct str source)
{
    bool ok = source.n > 0 && source.n <= NAME_BYTES;
    for (size_t i = 0; i < source.n && ok; i++) {
        char c = source.p[i];
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-_.:", c));
    }
    return ok;
}

/* --- what there is --- */

#define COUNT(kind)                                                                                \
    " coalesce((SELECT n_entries FROM source_content c WHERE c.category = s.category AND"          \
    "  c.source = s.source AND kind = " #kind "), 0)"
#define SOURCES                                                                                    \
    "SELECT category, source, title, format, created_ms, updated_ms," COUNT(0) "," COUNT(          \
        1) "," COUNT(2) "," COUNT(3) "," COUNT(4) " FROM category_source s"                        \
                                                  " WHERE ?1 = '' OR category = ?1"                \
                                                  " ORDER BY category, source"

static void read_source(struct row *r, void *item)
{
    struct list_source *x = item;
    *x = (struct list_source){.category = row_text(r, 0),
                              .source = row_text(r, 1),
                              .title = row_text(r, 2),
                              .format = row_text(r, 3),
                              .created_ms = row_i64(r, 4),
                              .updated_ms = row_i64(r, 5)};
    for (int k = 0; k < LIST_KINDS; k++)
        x->counts[k] = row_u64(r, 6 + k);
}

enum err list_sources_of(struct store *s, struct arena *a, struct str category,
                         struct list_source **items, size_t *n)
{
    return row_all(s, ROW_SQL(SOURCES, ROW_TEXT(category)), ROW_ALL(read_source, a, items), n);
}

enum err list_sources_local_stamp(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT coalesce((SELECT value FROM meta WHERE name = 'local'), 0)", out);
}

static enum err bump(struct store *s, struct str source)
{
    return store_exec(s, str_eq(source, LIST_SOURCE_LOCAL)
                             ? "INSERT INTO meta VALUES('local', 1)"
                               " ON CONFLICT(name) DO UPDATE SET value = value + 1"
                             : "INSERT INTO meta VALUES('content', 1)"
                               " ON CONFLICT(name) DO UPDATE SET value = value + 1");
}

/* --- one stored list in memory --- */

struct loaded {
    struct str source, title;
    char *text;
    uint32_t *since; /* NULL: all since created_ms */
    size_t bytes, n;
    int64_t created_ms;

    struct str rest, next; /* of a walk; next.p NULL at the end */
    size_t at;
};

static void unload(struct loaded *x)
{
    free(x->text);
    free(x->since);
    *x = (struct loaded){0};
}

/* The columns are bytes, n_entries, zstd, since, created_ms. */
static void read_loaded(struct row *r, void *item)
{
    struct loaded x = {
        .bytes = (size_t)row_u64(r, 0), .n = (size_t)row_u64(r, 1), .created_ms = row_i64(r, 4)};
    char *since = NULL;
    enum err e = list_unpack(row_view(r, 2), x.bytes, &x.text);
    struct str packed = row_view(r, 3);
    if (e == OK && packed.n)
        e = list_unpack(packed, x.n * sizeof *x.since, &since);
    x.since = (uint32_t *)(void *)since;
    if (e == OK) {
        *(struct loaded *)item = x;
        return;
    }
    unload(&x);
    row_fail(r, e == ERR_CORRUPT ? store_fail(r->s, e, "the content of a category is damaged") : e);
}

static void advance(struct loaded *x)
{
    x->at = x->next.p ? x->at + 1 : 0;
    if (!list_set_next(&x->rest, &x->next))
        x->next = (struct str){0};
}

static void rewind_to_start(struct loaded *x)
{
    x->next = (struct str){0};
    x->rest = str_make(x->text, x->bytes);
    advance(x);
}

static uint32_t seconds_of(const struct loaded *x)
{
    return x->since && x->at < x->n ? x->since[x->at] : (uint32_t)(x->created_ms / 1000);
}

static int64_t since_ms_of(const struct loaded *x)
{
    return x->since ? (int64_t)seconds_of(x) * 1000 : x->created_ms;
}

/* --- put --- */

struct joining { /* the content that comes out */
    struct buf text, since;
    struct list_change change;
    uint64_t n;
    bool has_ages; /* not all are as old as the source */
    uint32_t oldest;
};

static void keep(struct joining *j, struct str entry, uint32_t since)
{
    buf_add(&j->text, entry);
    buf_add_c(&j->text, '\n');
    buf_add(&j->since, str_make(&since, sizeof since));
    j->has_ages |= since != j->oldest;
    j->n++;
}

static void join(const struct list_content *c, struct loaded *old, struct joining *j)
{
    struct str rest = c->text, entry;
    bool has = list_set_next(&rest, &entry);
    while (has || old->next.p) {
        int order = !has ? 1 : !old->next.p ? -1 : str_cmp(entry, old->next);
        if (order < 0 && !c->is_removal) {
            j->change.added++;
            keep(j, entry, (uint32_t)(c->at_ms / 1000));
        } else if (order < 0) {
            /* was not there */
        } else if (order == 0 ? !c->is_removal : c->is_merge || c->is_removal) {
            keep(j, old->next, seconds_of(old));
        } else {
            j->change.removed++;
        }
        j->change.before += order >= 0;
        if (order >= 0)
            advance(old);
        if (order <= 0)
            has = list_set_next(&rest, &entry);
    }
}

static enum err load_one(struct store *s, const struct list_content *c, struct loaded *out)
{
    return row_one(s,
                   ROW_SQL("SELECT bytes, n_entries, zstd, since, created_ms FROM source_content"
                           " JOIN category_source USING(category, source)"
                           " WHERE category = ?1 AND source = ?2 AND kind = ?3",
                           ROW_TEXT(c->category), ROW_TEXT(c->source), ROW_INT(c->kind)),
                   ROW_INTO(read_loaded, NULL, out));
}

static enum err make_category(struct store *s, const struct list_content *c, bool has_changed)
{
    return row_run(s, ROW_SQL("INSERT INTO category VALUES(?1, ?1, '', '', '', 1, ?2, ?2)"
                              " ON CONFLICT(name) DO UPDATE SET revision = revision + ?3,"
                              "  content_at_ms = iif(?3, ?2, content_at_ms)",
                              ROW_TEXT(c->category), ROW_INT(c->at_ms), ROW_INT(has_changed)));
}

static enum err make_source(struct store *s, const struct list_content *c)
{
    return row_run(s, ROW_SQL("INSERT INTO category_source VALUES(?1, ?2, ?3, ?4, ?5, ?5)"
                              " ON CONFLICT(category, source) DO UPDATE SET title = ?3,"
                              "  format = ?4, updated_ms = ?5",
                              ROW_TEXT(c->category), ROW_TEXT(c->source), ROW_TEXT(c->title),
                              ROW_TEXT(c->format), ROW_INT(c->at_ms)));
}

static enum err remove_content(struct store *s, const struct list_content *c)
{
    return row_run(s, ROW_SQL("DELETE FROM source_content WHERE category = ?1 AND source = ?2"
                              " AND kind = ?3",
                              ROW_TEXT(c->category), ROW_TEXT(c->source), ROW_INT(c->kind)));
}

static enum err insert_content(struct store *s, const struct list_content *c, struct joining *j)
{
    char *text = NULL, *since = NULL;
    size_t text_n = 0, since_n = 0;
    enum err e = list_pack(buf_str(&j->text), &text, &text_n);
    if (e == OK && j->has_ages)
        e = list_pack(buf_str(&j->since), &since, &since_n);
    if (e == OK)
        e = row_run(
            s, ROW_SQL("INSERT OR REPLACE INTO source_content VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       ROW_TEXT(c->category), ROW_TEXT(c->source), ROW_INT(c->kind), ROW_INT(j->n),
                       ROW_INT(j->text.n), ROW_BLOB(str_make(text, text_n)),
                       ROW_BLOB(str_make(since ? since : "", since_n))));
    free(text);
    free(since);
    return e;
}

static enum err store_joined(struct store *s, const struct list_content *c, struct joining *j)
{
    bool has_changed = j->change.added || j->change.removed;
    enum err e = make_category(s, c, has_changed);
    if (e == OK)
        e = make_source(s, c);
    if (e != OK || !has_changed)
        return e;
    e = j->n ? insert_content(s, c, j) : remove_content(s, c);
    return e == OK ? bump(s, c->source) : e;
}

/* The source's age in this category: the age of all its entries until one came later. */
static enum err find_age(struct store *s, const struct list_content *c, uint32_t *out)
{
    uint64_t created_ms = (uint64_t)c->at_ms;
    enum err e = row_number(s,
                            ROW_SQL("SELECT created_ms FROM category_source"
                                    " WHERE category = ?1 AND source = ?2",
                                    ROW_TEXT(c->category), ROW_TEXT(c->source)),
                            &created_ms);
    *out = (uint32_t)((int64_t)created_ms / 1000);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err put(struct store *s, const struct list_content *c, struct joining *j)
{
    struct loaded old = {0};
    enum err e = find_age(s, c, &j->oldest);
    if (e == OK)
        e = load_one(s, c, &old);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (e == OK)
        rewind_to_start(&old);
    join(c, &old, j);
    unload(&old);
    if (j->text.failed || j->since.failed)
        return ERR_NOMEM;
    return c->is_dry_run ? OK : store_joined(s, c, j);
}

enum err list_sources_put(struct store *s, const struct list_content *c, struct list_change *out)
{
    struct joining j = {0};
    if (!list_rows_is_name(c->category) || !list_sources_is_name(c->source))
        return store_fail(s, ERR_INVALID,
                          "a category's name has 1 to 64 of a-z, 0-9, '-', '_' and '.'");
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    buf_init(&j.text, (size_t)1 << 31);
    buf_init(&j.since, (size_t)1 << 31);
    e = put(s, c, &j);
    buf_fini(&j.text);
    buf_fini(&j.since);
    e = store_end(s, e);
    if (e == OK && out)
        *out = j.change;
    return e;
}

enum err list_sources_delete(struct store *s, struct str source, struct str category)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = row_change(s, ROW_SQL("DELETE FROM category_source WHERE source = ?1"
                              " AND (?2 = '' OR category = ?2)",
                              ROW_TEXT(source), ROW_TEXT(category)));
    if (e == OK)
        e = bump(s, source);
    return store_end(s, e == ERR_NOT_FOUND ? OK : e);
}

/* --- walk --- */

#define SOURCES_MAX 256 /* of one category in one walk */

struct walking {
    struct loaded v[SOURCES_MAX];
    unsigned n;
    struct arena names;
};

static void add_loaded(struct row *r, void *item)
{
    struct walking *w = item;
    struct loaded *x = &w->v[w->n];
    read_loaded(r, x);
    if (r->e != OK)
        return;
    w->n++;
    rewind_to_start(x);
    x->source = row_text(r, 5);
    x->title = row_text(r, 6);
}

static enum err load_all(struct store *s, struct str category, enum list_kind kind,
                         const struct list_walk *how, struct walking *w)
{
    return row_each(s,
                    ROW_SQL("SELECT bytes, n_entries, zstd, since, created_ms, source, title"
                            " FROM source_content JOIN category_source USING(category, source)"
                            " WHERE category = ?1 AND kind = ?2 AND (?3 = '' OR source = ?3)"
                            " AND NOT (?5 AND source = 'local')"
                            " ORDER BY source LIMIT ?4",
                            ROW_TEXT(category), ROW_INT(kind), ROW_TEXT(how->source),
                            ROW_INT(SOURCES_MAX), ROW_INT(how->leaves_out_local)),
                    ROW_INTO(add_loaded, &w->names, w));
}

/* Hands out the smallest entry that is next anywhere; the first source wins a draw. */
static bool step(struct walking *w, const struct list_walk *how, bool *is_over)
{
    struct loaded *least = NULL;
    for (unsigned i = 0; i < w->n; i++) {
        struct loaded *x = &w->v[i];
        if (x->next.p && (!least || str_cmp(x->next, least->next) < 0))
            least = x;
    }
    *is_over = least == NULL;
    if (!least)
        return true;
    struct list_found f = {least->next, least->source, least->title, since_ms_of(least)};
    bool go_on = how->found(how->ctx, &f);
    advance(least);
    return go_on;
}

enum err list_sources_walk(struct store *s, struct str category, enum list_kind kind,
                           const struct list_walk *how)
{
    struct walking *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    arena_init(&w->names, 4096, 1u << 20);
    enum err e = load_all(s, category, kind, how, w);
    bool is_over = e != OK;
    while (!is_over && step(w, how, &is_over)) {
    }
    for (unsigned i = 0; i < w->n; i++)
        unload(&w->v[i]);
    arena_fini(&w->names);
    free(w);
    return e;
}

/* --- find --- */

struct finding {
    struct str entry;
    struct arena *a;
    struct list_found *rows;
    size_t n;
    bool failed;
};

static bool on_found(void *ctx, const struct list_found *f)
{
    struct finding *x = ctx;
    int order = str_cmp(f->entry, x->entry);
    if (order != 0 || x->n == LIST_FOUND_MAX)
        return order < 0;
    struct list_found copy = {arena_str(x->a, f->entry), arena_str(x->a, f->source),
                              arena_str(x->a, f->title), f->since_ms};
    x->failed = !copy.entry.p || !copy.source.p || !copy.title.p;
    x->rows[x->n++] = copy;
    return !x->failed;
}

enum err list_sources_find(struct store *s, struct arena *a, const struct list_ask *ask,
                           struct list_found **rows, size_t *n)
{
    struct finding x = {.entry = ask->entry, .a = a};
    x.rows = arena_alloc(a, LIST_FOUND_MAX * sizeof *x.rows);
    if (!x.rows)
        return ERR_NOMEM;
    enum err e = list_sources_walk(s, ask->category, ask->kind,
                                   &(struct list_walk){.found = on_found, .ctx = &x});
    if (e == OK && x.failed)
        e = ERR_NOMEM;
    if (e != OK)
        return e;
    *rows = x.rows;
    *n = x.n;
    return OK;
}
