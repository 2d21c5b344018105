/* list_rows: categories, the union of their sources, the report of their last import. */
#include "db/list_rows.h"

#include "db/list_sources.h"
#include "db/row.h"

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

static void read_category(struct row *r, void *item)
{
    struct list_category *c = item;
    *c = (struct list_category){.name = row_text(r, 0),
                                .title = row_text(r, 1),
                                .description = row_text(r, 2),
                                .source = row_text(r, 3),
                                .format = row_text(r, 4),
                                .revision = row_u64(r, 5),
                                .content_at_ms = row_i64(r, 6),
                                .created_ms = row_i64(r, 7)};
    for (int k = 0; k < LIST_KINDS; k++)
        c->counts[k] = row_u64(r, 8 + k);
}

enum err list_rows_category(struct store *s, struct arena *a, struct str name,
                            struct list_category *out)
{
    return row_one(s, ROW_SQL(CATEGORY " WHERE name = ?1", ROW_TEXT(name)),
                   ROW_INTO(read_category, a, out));
}

enum err list_rows_categories(struct store *s, struct arena *a, struct list_category **items,
                              size_t *n)
{
    return row_all(s, ROW_PLAIN(CATEGORY " ORDER BY name"), ROW_ALL(read_category, a, items), n);
}

static enum err expect_revision(struct store *s, struct str name, uint64_t expected)
{
    uint64_t now;
    enum err e = row_number(
        s, ROW_SQL("SELECT revision FROM category WHERE name = ?1", ROW_TEXT(name)), &now);
    return e == OK && expected && now != expected
               ? store_fail(s, ERR_CONFLICT, "this category was changed meanwhile")
               : e;
}

static enum err upsert(struct store *s, const struct list_category *c)
{
    return row_run(s, ROW_SQL("INSERT INTO category VALUES(?1, ?2, ?3, ?4, '', 1, 0, ?5)"
                              " ON CONFLICT(name) DO UPDATE SET title = ?2, description = ?3,"
                              "  source = ?4, revision = revision + 1",
                              ROW_TEXT(c->name), ROW_TEXT(c->title), ROW_TEXT(c->description),
                              ROW_TEXT(c->source), ROW_INT(c->created_ms)));
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
    return store_end(s, e == OK ? upsert(s, c) : e);
}

static enum err bump_content(struct store *s)
{
    return store_exec(s, "INSERT INTO meta VALUES('content', 1), ('local', 1)"
                         " ON CONFLICT(name) DO UPDATE SET value = value + 1");
}

enum err list_rows_delete(struct store *s, struct str name, uint64_t expected)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = expect_revision(s, name, expected);
    if (e == OK)
        e = row_run(s, ROW_SQL("DELETE FROM category WHERE name = ?1", ROW_TEXT(name)));
    return store_end(s, e == OK ? bump_content(s) : e);
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
    return row_run(s,
                   ROW_SQL("INSERT INTO category_report VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                           ROW_TEXT(category), ROW_INT(r->at_ms), ROW_TEXT(r->format),
                           ROW_TEXT(r->source), ROW_INT(r->accepted), ROW_INT(r->duplicates),
                           ROW_INT(r->n_rejected), ROW_INT(r->added), ROW_INT(r->removed)));
}

static enum err put_rejects(struct store *s, struct str category, const struct list_report *r)
{
    size_t n = r->n_rejects < LIST_REJECTS_MAX ? r->n_rejects : LIST_REJECTS_MAX;
    enum err e = OK;
    for (size_t i = 0; i < n && e == OK; i++) {
        const struct list_reject *j = &r->rejects[i];
        e = row_run(s, ROW_SQL("INSERT INTO category_reject VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                               ROW_TEXT(category), ROW_INT(i), ROW_INT(j->line), ROW_TEXT(j->file),
                               ROW_TEXT(j->text), ROW_TEXT(j->reason)));
    }
    return e;
}

static enum err replace_report(struct store *s, struct str category, const struct list_report *r)
{
    enum err e =
        row_run(s, ROW_SQL("DELETE FROM category_report WHERE category = ?1", ROW_TEXT(category)));
    if (e == OK)
        e = row_run(s, ROW_SQL("UPDATE category SET format = ?2, source = ?3 WHERE name = ?1",
                               ROW_TEXT(category), ROW_TEXT(r->format), ROW_TEXT(r->source)));
    if (e == OK)
        e = put_report_row(s, category, r);
    return e == OK ? put_rejects(s, category, r) : e;
}

enum err list_rows_put_report(struct store *s, struct str category, const struct list_report *r)
{
    enum err e = store_begin(s);
    return e == OK ? store_end(s, replace_report(s, category, r)) : e;
}

static void read_reject(struct row *r, void *item)
{
    *(struct list_reject *)item = (struct list_reject){.line = row_u64(r, 0),
                                                       .file = row_text(r, 1),
                                                       .text = row_text(r, 2),
                                                       .reason = row_text(r, 3)};
}

static void read_report(struct row *r, void *item)
{
    *(struct list_report *)item = (struct list_report){.format = row_text(r, 0),
                                                       .source = row_text(r, 1),
                                                       .at_ms = row_i64(r, 2),
                                                       .accepted = row_u64(r, 3),
                                                       .duplicates = row_u64(r, 4),
                                                       .n_rejected = row_u64(r, 5),
                                                       .added = row_u64(r, 6),
                                                       .removed = row_u64(r, 7)};
}

enum err list_rows_report(struct store *s, struct arena *a, struct str category,
                          struct list_report *out)
{
    struct list_report found;
    enum err e = row_one(s,
                         ROW_SQL("SELECT format, source, at_ms, accepted, duplicates, n_rejected,"
                                 " added, removed FROM category_report WHERE category = ?1",
                                 ROW_TEXT(category)),
                         ROW_INTO(read_report, a, &found));
    if (e == OK)
        e = row_all(s,
                    ROW_SQL("SELECT line, file, text, reason FROM category_reject"
                            " WHERE category = ?1 ORDER BY seq LIMIT ?2",
                            ROW_TEXT(category), ROW_INT(LIST_REJECTS_MAX)),
                    ROW_ALL(read_reject, a, &found.rejects), &found.n_rejects);
    if (e == OK)
        *out = found;
    return e;
}
