/* event_bulk: two statements a file: all texts, then the rows of a span. */
#include "db/event_bulk.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "db/event_day.h"
#include "db/event_url.h"
#include "db/migrate.h"
#include "db/row.h"

#define TEXT_CEILING ((size_t)1 << 30)

struct event_bulk {
    struct store *s;
    struct arena arena;
    struct str *texts;
    size_t n_texts;
    struct buf url;
};

static void read_text(struct row *r, void *item)
{
    struct event_bulk *b = item;
    uint64_t id = row_u64(r, 0);
    if (id < b->n_texts)
        b->texts[id] = row_text(r, 1);
}

static enum err read_texts(struct event_bulk *b)
{
    uint64_t n = 0;
    enum err e = store_u64(b->s, "SELECT coalesce(max(id), 0) + 1 FROM text", &n);
    if (e != OK)
        return e;
    b->texts = calloc((size_t)n, sizeof *b->texts);
    b->n_texts = (size_t)n;
    if (!b->texts)
        return ERR_NOMEM;
    return row_each(b->s, ROW_PLAIN("SELECT id, s FROM text"), ROW_INTO(read_text, &b->arena, b));
}

enum err event_bulk_open(const char *dir, int64_t day, char why[STORE_WHY_BYTES],
                         struct event_bulk **out)
{
    char path[EVENT_DAY_PATH];
    struct event_bulk *b = calloc(1, sizeof *b);
    enum err e = b ? event_day_path(dir, day, path) : ERR_NOMEM;
    if (e == OK)
        e = store_open(path, STORE_READ, why, &b->s);
    if (e != OK) {
        free(b);
        return e;
    }
    arena_init(&b->arena, (size_t)256 << 10, TEXT_CEILING);
    buf_init(&b->url, (size_t)256 << 10);
    e = migrate_look_current(b->s, &migrate_events_plan);
    if (e == OK)
        e = store_begin(b->s); /* one view of the file: texts and rows belong together */
    if (e == OK)
        e = read_texts(b);
    if (e != OK) {
        memcpy(why, store_why(b->s), STORE_WHY_BYTES);
        event_bulk_close(b);
        return e;
    }
    *out = b;
    return OK;
}

void event_bulk_close(struct event_bulk *b)
{
    if (!b)
        return;
    store_close(b->s);
    arena_fini(&b->arena);
    buf_fini(&b->url);
    free(b->texts);
    free(b);
}

enum err event_bulk_ids(struct event_bulk *b, uint64_t *low, uint64_t *high)
{
    enum err e = store_u64(b->s, "SELECT coalesce(min(id), 0) FROM record", low);
    if (e == OK)
        e = store_u64(b->s, "SELECT coalesce(max(id), 0) FROM record", high);
    return e == OK && *high == 0 ? ERR_NOT_FOUND : e;
}

static struct str text(const struct event_bulk *b, struct sqlite3_stmt *st, int at)
{
    uint64_t id = store_column_u64(st, at);
    return id && id < b->n_texts ? b->texts[id] : (struct str){"", 0};
}

/* The columns in the order of fill(). */
#define COLUMNS                                                                                    \
    "SELECT id, time_ms, verdict, status, port, tls, policy_version, answer_bytes, user, host,"    \
    " client, rule, categories, method, scheme, groups, content_type, upstream, user_agent,"       \
    " error, listener, effect, url FROM record WHERE id BETWEEN ?1 AND ?2 ORDER BY id"

static void fill(struct event_bulk *b, struct sqlite3_stmt *st, struct record *r)
{
    *r = (struct record){.id = store_column_u64(st, 0),
                         .time_ms = store_column_i64(st, 1),
                         .verdict = (uint8_t)store_column_u64(st, 2),
                         .status = (uint16_t)store_column_u64(st, 3),
                         .port = (uint16_t)store_column_u64(st, 4),
                         .tls = (uint8_t)store_column_u64(st, 5),
                         .policy_version = store_column_u64(st, 6),
                         .answer_bytes = store_column_u64(st, 7),
                         .user = text(b, st, 8),
                         .host = text(b, st, 9),
                         .rule = text(b, st, 11),
                         .categories = text(b, st, 12),
                         .method = text(b, st, 13),
                         .scheme = text(b, st, 14),
                         .groups = text(b, st, 15),
                         .content_type = text(b, st, 16),
                         .upstream = text(b, st, 17),
                         .user_agent = text(b, st, 18),
                         .error = text(b, st, 19),
                         .listener = text(b, st, 20),
                         .effect = text(b, st, 21)};
    if (ip_parse(text(b, st, 10), &r->client) != OK)
        r->client = (struct ip){0};
    buf_clear(&b->url);
    event_url_restore(r, store_column(st, 22), &b->url);
    r->url = buf_str(&b->url);
}

enum err event_bulk_each(struct event_bulk *b, const struct event_bulk_span *span,
                         bool (*record)(void *ctx, const struct record *r), void *ctx)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(b->s, COLUMNS, &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, span->low);
    store_bind_u64(st, 2, span->high);
    while ((e = store_step(b->s, st)) == OK) {
        struct record r;
        int64_t time_ms = store_column_i64(st, 1);
        if (time_ms < span->from_ms || time_ms >= span->to_ms)
            continue;
        fill(b, st, &r);
        if (!record(ctx, &r)) {
            store_reset(st);
            return OK;
        }
    }
    return e == ERR_NOT_FOUND ? OK : e;
}
