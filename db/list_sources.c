/* list_sources: rows per category, source and kind; a refresh is one walk through two sorted
 * texts. */
#include "db/list_sources.h"

#include <stdlib.h>
#include <string.h>

#include "db/list_pack.h"
#include "db/list_set.h"

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
                                                  " ORDER BY category, source LIMIT ?2"

static enum err read_source(struct sqlite3_stmt *st, struct arena *a, struct list_source *out)
{
    struct str *const texts[] = {&out->category, &out->source, &out->title, &out->format};
    for (int i = 0; i < 4; i++) {
        enum err e = store_column_copy(st, i, a, texts[i]);
        if (e != OK)
            return e;
    }
    out->created_ms = store_column_i64(st, 4);
    out->updated_ms = store_column_i64(st, 5);
    for (int k = 0; k < LIST_KINDS; k++)
        out->counts[k] = store_column_u64(st, 6 + k);
    return OK;
}

struct source_rows {
    struct list_source *v;
    size_t room, n;
};

static enum err read_sources(struct store *s, struct arena *a, struct str category,
                             struct source_rows *rows)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, SOURCES, &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, category);
    store_bind_u64(st, 2, rows->room);
    while ((e = store_step(s, st)) == OK) {
        e = read_source(st, a, &rows->v[rows->n++]);
        if (e != OK) {
            store_reset(st);
            return e;
        }
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err list_sources_of(struct store *s, struct arena *a, struct str category,
                         struct list_source **items, size_t *n)
{
    uint64_t count = 0;
    struct source_rows rows = {0};
    enum err e = store_begin(s); /* count and rows of one moment */
    if (e != OK)
        return e;
    e = store_u64(s, "SELECT count(*) FROM category_source", &count);
    if (e == OK) {
        rows.room = (size_t)count;
        rows.v = arena_alloc(a, (rows.room ? rows.room : 1) * sizeof *rows.v);
        e = rows.v ? read_sources(s, a, category, &rows) : ERR_NOMEM;
    }
    store_rollback(s); /* nothing was written */
    if (e != OK)
        return e;
    *items = rows.v;
    *n = rows.n;
    return OK;
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

/* st: bytes, n_entries, zstd, since, created_ms. */
static enum err load(struct store *s, struct sqlite3_stmt *st, struct loaded *out)
{
    struct loaded x = {.bytes = (size_t)store_column_u64(st, 0),
                       .n = (size_t)store_column_u64(st, 1),
                       .created_ms = store_column_i64(st, 4)};
    char *since = NULL;
    enum err e = list_unpack(store_column(st, 2), x.bytes, &x.text);
    struct str packed = store_column(st, 3);
    if (e == OK && packed.n)
        e = list_unpack(packed, x.n * sizeof *x.since, &since);
    x.since = (uint32_t *)(void *)since;
    if (e != OK) {
        unload(&x);
        return e == ERR_CORRUPT ? store_fail(s, e, "the content of a category is damaged") : e;
    }
    *out = x;
    return OK;
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
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "SELECT bytes, n_entries, zstd, since, created_ms FROM source_content"
                            " JOIN category_source USING(category, source)"
                            " WHERE category = ?1 AND source = ?2 AND kind = ?3",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, c->category);
    store_bind_str(st, 2, c->source);
    store_bind_u64(st, 3, c->kind);
    e = store_step(s, st);
    if (e != OK)
        return e;
    e = load(s, st, out);
    store_reset(st);
    return e;
}

static enum err make_category(struct store *s, const struct list_content *c, bool has_changed)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO category VALUES(?1, ?1, '', '', '', 1, ?2, ?2)"
                            " ON CONFLICT(name) DO UPDATE SET revision = revision + ?3,"
                            "  content_at_ms = iif(?3, ?2, content_at_ms)",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, c->category);
    store_bind_i64(st, 2, c->at_ms);
    store_bind_u64(st, 3, has_changed);
    return store_run(s, st);
}

static enum err make_source(struct store *s, const struct list_content *c)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO category_source VALUES(?1, ?2, ?3, ?4, ?5, ?5)"
                            " ON CONFLICT(category, source) DO UPDATE SET title = ?3, format = ?4,"
                            "  updated_ms = ?5",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, c->category);
    store_bind_str(st, 2, c->source);
    store_bind_str(st, 3, c->title);
    store_bind_str(st, 4, c->format);
    store_bind_i64(st, 5, c->at_ms);
    return store_run(s, st);
}

static enum err remove_content(struct store *s, const struct list_content *c)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s, "DELETE FROM source_content WHERE category = ?1 AND source = ?2 AND kind = ?3", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, c->category);
    store_bind_str(st, 2, c->source);
    store_bind_u64(st, 3, c->kind);
    return store_run(s, st);
}

static enum err insert_content(struct store *s, const struct list_content *c, struct joining *j)
{
    char *text = NULL, *since = NULL;
    size_t text_n = 0, since_n = 0;
    struct sqlite3_stmt *st;
    enum err e = list_pack(buf_str(&j->text), &text, &text_n);
    if (e == OK && j->has_ages)
        e = list_pack(buf_str(&j->since), &since, &since_n);
    if (e == OK)
        e = store_stmt(
            s, "INSERT OR REPLACE INTO source_content VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", &st);
    if (e == OK) {
        store_bind_str(st, 1, c->category);
        store_bind_str(st, 2, c->source);
        store_bind_u64(st, 3, c->kind);
        store_bind_u64(st, 4, j->n);
        store_bind_u64(st, 5, j->text.n);
        store_bind_blob(st, 6, str_make(text, text_n));
        store_bind_blob(st, 7, str_make(since ? since : "", since_n));
        e = store_run(s, st);
    }
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
    struct sqlite3_stmt *st;
    *out = (uint32_t)(c->at_ms / 1000);
    enum err e = store_stmt(
        s, "SELECT created_ms FROM category_source WHERE category = ?1 AND source = ?2", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, c->category);
    store_bind_str(st, 2, c->source);
    e = store_step(s, st);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    *out = (uint32_t)(store_column_i64(st, 0) / 1000);
    store_reset(st);
    return OK;
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
    if (e == OK)
        e = store_commit(s);
    else
        store_rollback(s);
    if (e == OK && out)
        *out = j.change;
    return e;
}

enum err list_sources_delete(struct store *s, struct str source, struct str category)
{
    struct sqlite3_stmt *st;
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = store_stmt(
        s, "DELETE FROM category_source WHERE source = ?1 AND (?2 = '' OR category = ?2)", &st);
    if (e == OK) {
        store_bind_str(st, 1, source);
        store_bind_str(st, 2, category);
        e = store_run(s, st);
    }
    if (e == OK && store_changes(s))
        e = bump(s, source);
    if (e == OK)
        return store_commit(s);
    store_rollback(s);
    return e;
}

/* --- walk --- */

#define SOURCES_MAX 256 /* of one category in one walk */

struct walking {
    struct loaded v[SOURCES_MAX];
    unsigned n;
    struct arena names;
};

static enum err load_all(struct store *s, struct str category, enum list_kind kind,
                         const struct list_walk *how, struct walking *w)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "SELECT bytes, n_entries, zstd, since, created_ms, source, title"
                            " FROM source_content JOIN category_source USING(category, source)"
                            " WHERE category = ?1 AND kind = ?2 AND (?3 = '' OR source = ?3)"
                            " AND NOT (?5 AND source = 'local')"
                            " ORDER BY source LIMIT ?4",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, category);
    store_bind_u64(st, 2, kind);
    store_bind_str(st, 3, how->source);
    store_bind_u64(st, 4, SOURCES_MAX);
    store_bind_u64(st, 5, how->leaves_out_local);
    while ((e = store_step(s, st)) == OK) {
        struct loaded *x = &w->v[w->n];
        e = load(s, st, x);
        if (e == OK) {
            w->n++;
            rewind_to_start(x);
            e = store_column_copy(st, 5, &w->names, &x->source);
        }
        if (e == OK)
            e = store_column_copy(st, 6, &w->names, &x->title);
        if (e != OK) {
            store_reset(st);
            return e;
        }
    }
    return e == ERR_NOT_FOUND ? OK : e;
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
