/* row: bind, step, read, reset. */
#include "db/row.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

static enum err start(struct store *s, const struct row_sql *q, struct sqlite3_stmt **out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, q->text, &st);
    if (e != OK)
        return e;
    const struct row_value *v = q->values;
    for (int at = 1; v && v->kind != ROW_END; at++, v++) {
        if (v->kind == ROW_IS_INT)
            store_bind_i64(st, at, v->number);
        else if (v->kind == ROW_IS_TEXT)
            store_bind_str(st, at, v->bytes);
        else
            store_bind_blob(st, at, v->bytes);
    }
    *out = st;
    return OK;
}

/* --- statements that change --- */

enum err row_run(struct store *s, const struct row_sql *q)
{
    struct sqlite3_stmt *st;
    enum err e = start(s, q, &st);
    return e == OK ? store_run(s, st) : e;
}

enum err row_change(struct store *s, const struct row_sql *q)
{
    enum err e = row_run(s, q);
    return e == OK && store_changes(s) == 0 ? ERR_NOT_FOUND : e;
}

enum err row_add(struct store *s, const struct row_sql *q, uint64_t *id)
{
    enum err e = row_run(s, q);
    if (e == OK)
        *id = store_last_rowid(s);
    return e;
}

/* --- statements that read --- */

static enum err begin(struct store *s, const struct row_sql *q, const struct row_into *into,
                      struct row *out)
{
    *out = (struct row){.s = s, .arena = into->arena};
    return start(s, q, &out->st);
}

/* The next row into this item. ERR_NOT_FOUND: there is none. */
static enum err next(struct row *r, const struct row_into *into, void *item)
{
    enum err e = store_step(r->s, r->st);
    if (e != OK)
        return e;
    into->read(r, item);
    if (r->e != OK)
        store_reset(r->st);
    return r->e;
}

enum err row_one(struct store *s, const struct row_sql *q, const struct row_into *into)
{
    _Alignas(max_align_t) unsigned char item[ROW_ITEM_BYTES];
    struct row r;
    must(into->size <= sizeof item);
    enum err e = begin(s, q, into, &r);
    if (e == OK)
        e = next(&r, into, item);
    if (e != OK)
        return e;
    store_reset(r.st);
    memcpy(into->to, item, into->size);
    return OK;
}

static void read_number(struct row *r, void *item)
{
    *(uint64_t *)item = row_u64(r, 0);
}

enum err row_number(struct store *s, const struct row_sql *q, uint64_t *out)
{
    return row_one(s, q, ROW_INTO(read_number, NULL, out));
}

enum err row_list(struct store *s, const struct row_sql *q, const struct row_into *into, size_t *n)
{
    struct row r;
    size_t got = 0;
    enum err e = begin(s, q, into, &r);
    if (e != OK)
        return e;
    while (got < *n && (e = next(&r, into, (char *)into->to + got * into->size)) == OK)
        got++;
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    store_reset(r.st);
    *n = got;
    return OK;
}

struct growing {
    char *items;
    size_t n, room;
};

static enum err read_growing(struct row *r, const struct row_into *into, struct growing *g)
{
    enum err e = OK;
    while (e == OK) {
        if (g->n == g->room) {
            g->room = g->room ? 2 * g->room : 16;
            char *more = realloc(g->items, g->room * into->size);
            if (!more) {
                store_reset(r->st);
                return ERR_NOMEM;
            }
            g->items = more;
        }
        e = next(r, into, g->items + g->n * into->size);
        g->n += e == OK;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err row_all(struct store *s, const struct row_sql *q, const struct row_into *into, size_t *n)
{
    struct row r;
    struct growing g = {0};
    enum err e = begin(s, q, into, &r);
    if (e == OK)
        e = read_growing(&r, into, &g);
    void *kept = e == OK ? arena_alloc(into->arena, (g.n ? g.n : 1) * into->size) : NULL;
    if (e == OK && !kept)
        e = ERR_NOMEM;
    if (e == OK) {
        memcpy(kept, g.items, g.n * into->size);
        memcpy(into->to, &kept, sizeof kept);
        *n = g.n;
    }
    free(g.items);
    return e;
}

enum err row_each(struct store *s, const struct row_sql *q, const struct row_into *into)
{
    struct row r;
    enum err e = begin(s, q, into, &r);
    while (e == OK)
        e = next(&r, into, into->to);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* --- columns --- */

struct str row_text(struct row *r, int at)
{
    struct str copy = arena_str(r->arena, store_column(r->st, at));
    if (!copy.p)
        row_fail(r, ERR_NOMEM);
    return copy;
}

struct str row_view(struct row *r, int at)
{
    return store_column(r->st, at);
}

uint64_t row_u64(struct row *r, int at)
{
    return store_column_u64(r->st, at);
}

int64_t row_i64(struct row *r, int at)
{
    return store_column_i64(r->st, at);
}

bool row_bool(struct row *r, int at)
{
    return row_u64(r, at) != 0;
}

unsigned row_enum(struct row *r, int at, unsigned highest)
{
    uint64_t v = row_u64(r, at);
    if (v > highest)
        row_fail(r, ERR_CORRUPT);
    return v > highest ? 0 : (unsigned)v;
}

void row_fail(struct row *r, enum err e)
{
    must(e != ERR_NOT_FOUND);
    if (r->e == OK)
        r->e = e;
}
