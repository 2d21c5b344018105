/* event_file: open day files, strings by number, whole records. */
#include "db/event_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db/event_day.h"
#include "db/event_url.h"
#include "db/migrate.h"
#include "db/row.h"

#define TEXT_CEILING ((size_t)192 << 20)
#define TEXT_IDS_MAX ((uint64_t)16 << 20) /* higher numbers are looked up each time */

enum err event_files_init(struct event_files *x, const char *dir)
{
    *x = (struct event_files){.dir = str_dup(str_of(dir))};
    return x->dir ? OK : ERR_NOMEM;
}

static void close_file(struct event_file *f)
{
    if (!f->s)
        return;
    store_close(f->s);
    arena_fini(&f->arena);
    buf_fini(&f->url);
    free(f->texts);
    *f = (struct event_file){0};
}

void event_files_fini(struct event_files *x)
{
    for (int i = 0; i < EVENT_FILES_OPEN; i++)
        close_file(&x->files[i]);
    free(x->dir);
    x->dir = NULL;
}

/* A file of an older program that nobody has brought up to date yet. */
static enum err bring_up(struct event_files *x, const char *path)
{
    struct store *s;
    enum err e = store_open(path, STORE_EVENTS, x->why, &s);
    if (e != OK)
        return e;
    e = migrate_run(s, &migrate_events_plan);
    store_close(s);
    return e;
}

static enum err open_file(struct event_files *x, const char *path, struct event_file *f)
{
    struct store *s;
    struct stat st;
    enum err e = store_open(path, STORE_READ, x->why, &s);
    if (e != OK)
        return e;
    e = migrate_look_current(s, &migrate_events_plan);
    if (e == ERR_AGAIN)
        e = bring_up(x, path);
    if (e == OK && stat(path, &st) != 0)
        e = ERR_NOT_FOUND;
    if (e != OK) {
        memcpy(x->why, store_why(s), STORE_WHY_BYTES);
        store_close(s);
        return e;
    }
    *f = (struct event_file){.s = s, .device = (uint64_t)st.st_dev, .inode = (uint64_t)st.st_ino};
    arena_init(&f->arena, (size_t)64 << 10, TEXT_CEILING);
    buf_init(&f->url, (size_t)256 << 10);
    return OK;
}

static bool is_same_file(const struct event_file *f, const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (uint64_t)st.st_dev == f->device &&
           (uint64_t)st.st_ino == f->inode;
}

enum err event_files_get(struct event_files *x, int64_t day, struct event_file **out)
{
    char path[EVENT_DAY_PATH];
    struct event_file *slot = &x->files[0];
    enum err e = event_day_path(x->dir, day, path);
    if (e != OK)
        return e;
    for (int i = 0; i < EVENT_FILES_OPEN; i++) {
        struct event_file *f = &x->files[i];
        if (f->s && f->day == day && is_same_file(f, path)) {
            f->used_at = ++x->clock;
            *out = f;
            return OK;
        }
        if (f->s && f->day == day)
            close_file(f);
        if (!f->s || (slot->s && f->used_at < slot->used_at))
            slot = f;
    }
    close_file(slot);
    e = open_file(x, path, slot);
    if (e != OK)
        return e;
    slot->day = day;
    slot->used_at = ++x->clock;
    *out = slot;
    return OK;
}

/* --- texts --- */

static void forget_texts(struct event_file *f)
{
    if (f->n_texts)
        memset(f->texts, 0, f->n_texts * sizeof *f->texts);
    arena_reset(&f->arena);
}

static enum err make_room(struct event_file *f, uint64_t id)
{
    if (id < f->n_texts)
        return OK;
    size_t n = f->n_texts ? f->n_texts : 4096;
    while (n <= id)
        n *= 2;
    struct str *more = realloc(f->texts, n * sizeof *more);
    if (!more)
        return ERR_NOMEM;
    memset(more + f->n_texts, 0, (n - f->n_texts) * sizeof *more);
    f->texts = more;
    f->n_texts = n;
    return OK;
}

static void read_text(struct row *r, void *item)
{
    *(struct str *)item = row_text(r, 0);
}

static enum err find_text(struct event_file *f, uint64_t id, struct str *out)
{
    enum err e = row_one(f->s, ROW_SQL("SELECT s FROM text WHERE id = ?1", ROW_INT(id)),
                         ROW_INTO(read_text, &f->arena, out));
    return e == ERR_NOT_FOUND ? store_fail(f->s, ERR_CORRUPT, "a string is missing") : e;
}

enum err event_file_text(struct event_file *f, uint64_t id, struct str *out)
{
    if (id == 0) {
        *out = (struct str){"", 0};
        return OK;
    }
    if (id < f->n_texts && f->texts[id].p) {
        *out = f->texts[id];
        return OK;
    }
    enum err e = id < TEXT_IDS_MAX ? make_room(f, id) : OK;
    struct str s;
    if (e == OK)
        e = find_text(f, id, &s);
    if (e != OK)
        return e;
    if (id < TEXT_IDS_MAX)
        f->texts[id] = s;
    *out = s;
    return OK;
}

/* --- records --- */

enum err event_file_url(struct event_file *f, const struct event_url_parts *p, struct str *out)
{
    struct record r = {.port = p->port};
    enum err e = event_file_text(f, p->scheme, &r.scheme);
    if (e == OK)
        e = event_file_text(f, p->host, &r.host);
    if (e != OK)
        return e;
    buf_clear(&f->url);
    event_url_restore(&r, p->stored, &f->url);
    if (f->url.failed)
        return ERR_LIMIT;
    *out = buf_str(&f->url);
    return OK;
}

#define COLUMNS                                                                                    \
    "SELECT time_ms, duration_ms, verdict, status, port, bytes_in, bytes_out, tls, cache,"         \
    " policy_version, upstream_ms, client_port, url, client, user, host, rule, categories,"        \
    " method, scheme, groups, rule_name, shadow, content_type, upstream, user_agent, referer,"     \
    " error, node, listener, group_paths, effect, note, answer_bytes FROM record WHERE id = ?1"

#define FIRST_TEXT 13 /* column of client */
#define N_TEXTS    20
#define ANSWER_AT  (FIRST_TEXT + N_TEXTS)

static enum err read_texts(struct event_file *f, struct sqlite3_stmt *st, struct record *r)
{
    struct str client;
    struct str *const texts[N_TEXTS] = {
        &client,          &r->user,     &r->host,        &r->rule,      &r->categories,
        &r->method,       &r->scheme,   &r->groups,      &r->rule_name, &r->shadow,
        &r->content_type, &r->upstream, &r->user_agent,  &r->referer,   &r->error,
        &r->node,         &r->listener, &r->group_paths, &r->effect,    &r->note};
    for (int i = 0; i < N_TEXTS; i++) {
        enum err e = event_file_text(f, store_column_u64(st, FIRST_TEXT + i), texts[i]);
        if (e != OK)
            return e;
    }
    return ip_parse(client, &r->client) == OK ? OK : ERR_CORRUPT;
}

static enum err read_record(struct event_file *f, struct sqlite3_stmt *st, struct record *out)
{
    struct record r = {.time_ms = store_column_i64(st, 0),
                       .duration_ms = (uint32_t)store_column_u64(st, 1),
                       .verdict = (uint8_t)store_column_u64(st, 2),
                       .status = (uint16_t)store_column_u64(st, 3),
                       .port = (uint16_t)store_column_u64(st, 4),
                       .bytes_in = store_column_u64(st, 5),
                       .bytes_out = store_column_u64(st, 6),
                       .tls = (uint8_t)store_column_u64(st, 7),
                       .cache = (uint8_t)store_column_u64(st, 8),
                       .policy_version = store_column_u64(st, 9),
                       .upstream_ms = (uint32_t)store_column_u64(st, 10),
                       .client_port = (uint16_t)store_column_u64(st, 11),
                       .answer_bytes = store_column_u64(st, ANSWER_AT)};
    if (r.verdict > RECORD_ERROR || r.tls > RECORD_TLS_INSPECTED ||
        r.cache > RECORD_CACHE_REVALIDATED)
        return ERR_CORRUPT;
    enum err e = read_texts(f, st, &r);
    if (e != OK)
        return e;
    buf_clear(&f->url);
    event_url_restore(&r, store_column(st, 12), &f->url);
    r.url = buf_str(&f->url);
    *out = r;
    return f->url.failed ? ERR_LIMIT : OK;
}

enum err event_file_record(struct event_file *f, uint64_t id, struct record *out)
{
    struct sqlite3_stmt *st;
    if (f->arena.total_bytes > TEXT_CEILING / 4 * 3)
        forget_texts(f); /* between records, so that no view is pulled away */
    enum err e = store_stmt(f->s, COLUMNS, &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, id);
    e = store_step(f->s, st);
    if (e != OK)
        return e;
    struct record r;
    e = read_record(f, st, &r);
    store_reset(st);
    if (e != OK)
        return e;
    r.id = id;
    *out = r;
    return OK;
}
