/* list_rows: categories, the union of their sources, the report of their last import. */
#include "db/list_rows.h"

#include "db/list_sources.h"

#define NAME_MAX_BYTES 64

const char *list_kind_name(enum list_kind k)
{
    static const char *const names[] = {"domains", "urls", "expressions", "ips", "exceptions"};
    return names[k];
}

bool list_rows_is_name(struct str name)
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES || name.p[0] == '.' || name.p[0] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool ok =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!ok)
            return false;
    }
    return true;
}

/* --- the rows --- */

#define COUNT(kind)                                                                                \
    " coalesce((SELECT sum(n_entries) FROM source_content c WHERE c.category = name AND"           \
    "  kind = " #kind "), 0)"
#define CATEGORY                                                                                   \
    "SELECT name, title, description, source, format, revision, content_at_ms, created_ms," COUNT( \
        0) "," COUNT(1) "," COUNT(2) "," COUNT(3) "," COUNT(4) " FROM category"

static enum err read_category(struct sqlite3_stmt *st, struct arena *a, struct list_category *out)
{
    struct list_category c = {.revision = store_column_u64(st, 5),
                              .content_at_ms = store_column_i64(st, 6),
                              .created_ms = store_column_i64(st, 7)};
    struct str *const texts[5] = {&c.name, &c.title, &c.description, &c.source, &c.format};
    for (int i = 0; i < 5; i++) {
        enum err e = store_column_copy(st, i, a, texts[i]);
        if (e != OK)
            return e;
    }
    for (int k = 0; k < LIST_KINDS; k++)
        c.counts[k] = store_column_u64(st, 8 + k);
    *out = c;
    return OK;
}

enum err list_rows_category(struct store *s, struct arena *a, struct str name,
                            struct list_category *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, CATEGORY " WHERE name = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, name);
    e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_category(st, a, out);
    store_reset(st);
    return e;
}

static enum err read_all(struct store *s, struct arena *a, struct list_category *items, size_t n)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, CATEGORY " ORDER BY name LIMIT ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, n);
    for (size_t i = 0; i < n; i++) {
        e = store_step(s, st);
        if (e == OK)
            e = read_category(st, a, &items[i]);
        if (e != OK)
            break;
    }
    store_reset(st);
    return e;
}

enum err list_rows_categories(struct store *s, struct arena *a, struct list_category **items,
                              size_t *n)
{
    uint64_t count;
    enum err e = store_begin(s); /* count and rows of one moment */
    if (e != OK)
        return e;
    struct list_category *all = NULL;
    e = store_u64(s, "SELECT count(*) FROM category", &count);
    if (e == OK) {
        all = arena_alloc(a, (size_t)(count ? count : 1) * sizeof *all);
        e = all ? read_all(s, a, all, (size_t)count) : ERR_NOMEM;
    }
    store_rollback(s); /* nothing was written */
    if (e != OK)
        return e;
    *items = all;
    *n = (size_t)count;
    return OK;
}

static enum err expect_revision(struct store *s, struct str name, uint64_t expected)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "SELECT revision FROM category WHERE name = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, name);
    e = store_step(s, st);
    if (e != OK)
        return e;
    uint64_t now = store_column_u64(st, 0);
    store_reset(st);
    return expected == 0 || now == expected
               ? OK
               : store_fail(s, ERR_CONFLICT, "this category was changed meanwhile");
}

static enum err upsert(struct store *s, const struct list_category *c)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO category VALUES(?1, ?2, ?3, ?4, '', 1, 0, ?5)"
                            " ON CONFLICT(name) DO UPDATE SET title = ?2, description = ?3,"
                            "  source = ?4, revision = revision + 1",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, c->name);
    store_bind_str(st, 2, c->title);
    store_bind_str(st, 3, c->description);
    store_bind_str(st, 4, c->source);
    store_bind_i64(st, 5, c->created_ms);
    return store_run(s, st);
}

/* Ends a transaction: commit on OK, else undo. */
static enum err finish(struct store *s, enum err e)
{
    if (e == OK)
        return store_commit(s);
    store_rollback(s);
    return e;
}

enum err list_rows_put(struct store *s, const struct list_category *c, uint64_t expected)
{
    if (!list_rows_is_name(c->name))
        return store_fail(s, ERR_INVALID,
                          "a category's name has 1 to 64 of a-z, 0-9, '-', '_' and '.'");
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = expect_revision(s, c->name, expected);
    if (e == ERR_NOT_FOUND)
        e = expected ? store_fail(s, ERR_CONFLICT, "this category was removed meanwhile") : OK;
    return finish(s, e == OK ? upsert(s, c) : e);
}

static enum err bump_content(struct store *s)
{
    return store_exec(s, "INSERT INTO meta VALUES('content', 1), ('local', 1)"
                         " ON CONFLICT(name) DO UPDATE SET value = value + 1");
}

static enum err delete_row(struct store *s, struct str name)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "DELETE FROM category WHERE name = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, name);
    e = store_run(s, st);
    return e == OK ? bump_content(s) : e;
}

enum err list_rows_delete(struct store *s, struct str name, uint64_t expected)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = expect_revision(s, name, expected);
    return finish(s, e == OK ? delete_row(s, name) : e);
}

enum err list_rows_content_stamp(struct store *s, uint64_t *out)
{
    return store_u64(s, "SELECT coalesce((SELECT value FROM meta WHERE name = 'content'), 0)", out);
}

/* --- content --- */

struct once { /* each entry but the first time */
    const struct list_visit *visit;
    struct buf last;
    bool has_last;
};

static bool visit_once(void *ctx, const struct list_found *f)
{
    struct once *o = ctx;
    if (o->has_last && str_eq(buf_str(&o->last), f->entry))
        return true;
    buf_clear(&o->last);
    buf_add(&o->last, f->entry);
    o->has_last = true;
    return o->visit->entry(o->visit->ctx, f->entry);
}

enum err list_rows_each(struct store *s, struct str name, enum list_kind kind,
                        const struct list_visit *v)
{
    struct once o = {.visit = v};
    buf_init(&o.last, (size_t)1 << 20);
    enum err e =
        list_sources_walk(s, name, kind, &(struct list_walk){.found = visit_once, .ctx = &o});
    buf_fini(&o.last);
    return e;
}

/* --- reports --- */

static enum err put_report_row(struct store *s, struct str category, const struct list_report *r)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "INSERT INTO category_report"
                            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, category);
    store_bind_i64(st, 2, r->at_ms);
    store_bind_str(st, 3, r->format);
    store_bind_str(st, 4, r->source);
    store_bind_u64(st, 5, r->accepted);
    store_bind_u64(st, 6, r->duplicates);
    store_bind_u64(st, 7, r->n_rejected);
    store_bind_u64(st, 8, r->added);
    store_bind_u64(st, 9, r->removed);
    return store_run(s, st);
}

static enum err put_rejects(struct store *s, struct str category, const struct list_report *r)
{
    struct sqlite3_stmt *st;
    size_t n = r->n_rejects < LIST_REJECTS_MAX ? r->n_rejects : LIST_REJECTS_MAX;
    for (size_t i = 0; i < n; i++) {
        enum err e =
            store_stmt(s, "INSERT INTO category_reject VALUES(?1, ?2, ?3, ?4, ?5, ?6)", &st);
        if (e != OK)
            return e;
        store_bind_str(st, 1, category);
        store_bind_u64(st, 2, i);
        store_bind_u64(st, 3, r->rejects[i].line);
        store_bind_str(st, 4, r->rejects[i].file);
        store_bind_str(st, 5, r->rejects[i].text);
        store_bind_str(st, 6, r->rejects[i].reason);
        e = store_run(s, st);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err replace_report(struct store *s, struct str category, const struct list_report *r)
{
    static const char *const before[] = {
        "DELETE FROM category_report WHERE category = ?1",
        "UPDATE category SET format = ?2, source = ?3 WHERE name = ?1"};
    for (int i = 0; i < 2; i++) {
        struct sqlite3_stmt *st;
        enum err e = store_stmt(s, before[i], &st);
        if (e != OK)
            return e;
        store_bind_str(st, 1, category);
        if (i == 1) {
            store_bind_str(st, 2, r->format);
            store_bind_str(st, 3, r->source);
        }
        e = store_run(s, st);
        if (e != OK)
            return e;
    }
    enum err e = put_report_row(s, category, r);
    return e == OK ? put_rejects(s, category, r) : e;
}

enum err list_rows_put_report(struct store *s, struct str category, const struct list_report *r)
{
    enum err e = store_begin(s);
    return e == OK ? finish(s, replace_report(s, category, r)) : e;
}

static enum err read_rejects(struct store *s, struct arena *a, struct str category,
                             struct list_report *r)
{
    struct sqlite3_stmt *st;
    r->rejects = arena_alloc(a, LIST_REJECTS_MAX * sizeof *r->rejects);
    if (!r->rejects)
        return ERR_NOMEM;
    enum err e = store_stmt(s,
                            "SELECT line, file, text, reason FROM category_reject"
                            " WHERE category = ?1 ORDER BY seq LIMIT ?2",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, category);
    store_bind_u64(st, 2, LIST_REJECTS_MAX);
    while ((e = store_step(s, st)) == OK) {
        struct list_reject *j = &r->rejects[r->n_rejects++];
        j->line = store_column_u64(st, 0);
        j->file = arena_str(a, store_column(st, 1));
        j->text = arena_str(a, store_column(st, 2));
        j->reason = arena_str(a, store_column(st, 3));
        if (!j->file.p || !j->text.p || !j->reason.p) {
            store_reset(st);
            return ERR_NOMEM;
        }
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err list_rows_report(struct store *s, struct arena *a, struct str category,
                          struct list_report *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "SELECT format, source, at_ms, accepted, duplicates, n_rejected, added,"
                            " removed FROM category_report WHERE category = ?1",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, category);
    e = store_step(s, st);
    if (e != OK)
        return e;
    struct list_report r = {.at_ms = store_column_i64(st, 2),
                            .accepted = store_column_u64(st, 3),
                            .duplicates = store_column_u64(st, 4),
                            .n_rejected = store_column_u64(st, 5),
                            .added = store_column_u64(st, 6),
                            .removed = store_column_u64(st, 7)};
    r.format = arena_str(a, store_column(st, 0));
    r.source = arena_str(a, store_column(st, 1));
    store_reset(st);
    if (!r.format.p || !r.source.p)
        return ERR_NOMEM;
    e = read_rejects(s, a, category, &r);
    if (e == OK)
        *out = r;
    return e;
}
