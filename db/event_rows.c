/* event_rows: batches of records into day files. */
#include "db/event_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "db/event_day.h"
#include "db/event_url.h"
#include "db/migrate.h"
#include "db/rollup.h"
#include "db/row.h"

#define OPEN_DAYS         2      /* today, and yesterday around midnight */
#define TEXTS_MAX         200000 /* remembered per file; the table itself is not bounded by it */
#define DAYS_IN_BATCH_MAX 64     /* a batch with more is a broken clock */

struct day {
    int64_t day;
    struct store *s;  /* NULL: slot is free */
    struct map texts; /* string to id, as a pointer */
    bool knows_all;   /* every row of the text table is in texts */
};

struct event_writer {
    char *dir;
    struct day days[OPEN_DAYS];
    struct rollup rollup;
    struct buf scratch; /* addresses and short URLs of the record at hand */
    uint64_t damaged;
    char why[STORE_WHY_BYTES];
};

enum err event_rows_open(const char *dir, struct event_writer **out)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_from_errno(errno);
    struct event_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->dir = str_dup(str_of(dir));
    rollup_init(&w->rollup);
    buf_init(&w->scratch, (size_t)256 << 10);
    if (!w->dir) {
        event_rows_close(w);
        return ERR_NOMEM;
    }
    *out = w;
    return OK;
}

static void close_day(struct day *d)
{
    if (!d->s)
        return;
    map_fini(&d->texts);
    store_close(d->s);
    *d = (struct day){0};
}

void event_rows_close(struct event_writer *w)
{
    if (!w)
        return;
    for (int i = 0; i < OPEN_DAYS; i++)
        close_day(&w->days[i]);
    rollup_fini(&w->rollup);
    buf_fini(&w->scratch);
    free(w->dir);
    free(w);
}

const char *event_rows_why(const struct event_writer *w)
{
    return w->why;
}

uint64_t event_rows_damaged(const struct event_writer *w)
{
    return w->damaged;
}

/* --- day files --- */

static enum err explain(struct event_writer *w, struct store *s, enum err e)
{
    if (e != OK)
        memcpy(w->why, store_why(s), STORE_WHY_BYTES);
    return e;
}

static void set_aside(struct event_writer *w, int64_t day)
{
    char path[EVENT_DAY_PATH], to[EVENT_DAY_PATH + 40];
    if (event_day_path(w->dir, day, path) != OK)
        return;
    for (int i = 1; i < 100; i++) {
        snprintf(to, sizeof to, "%s.damaged-%d", path, i);
        if (access(to, F_OK) != 0)
            break;
    }
    if (rename(path, to) == 0)
        w->damaged++;
    snprintf(to, sizeof to, "%s-wal", path);
    unlink(to);
    snprintf(to, sizeof to, "%s-shm", path);
    unlink(to);
}

static enum err open_store(struct event_writer *w, int64_t day, struct store **out)
{
    char path[EVENT_DAY_PATH];
    struct store *s;
    enum err e = event_day_path(w->dir, day, path);
    if (e == OK)
        e = store_open(path, STORE_EVENTS, w->why, &s);
    if (e != OK)
        return e;
    e = explain(w, s, migrate_run(s, &migrate_events_plan));
    if (e != OK) {
        store_close(s);
        return e;
    }
    *out = s;
    return OK;
}

static enum err open_day(struct event_writer *w, int64_t day, struct day **out)
{
    struct day *slot = &w->days[0];
    for (int i = 0; i < OPEN_DAYS; i++) {
        if (w->days[i].s && w->days[i].day == day) {
            *out = &w->days[i];
            return OK;
        }
        if (!w->days[i].s || (slot->s && w->days[i].day < slot->day))
            slot = &w->days[i]; /* a free one, else the oldest */
    }
    close_day(slot);
    uint64_t n_texts;
    struct store *s;
    enum err e = open_store(w, day, &s);
    if (e == ERR_CORRUPT) {
        set_aside(w, day);
        e = open_store(w, day, &s);
    }
    if (e != OK)
        return e;
    e = explain(w, s, store_u64(s, "SELECT coalesce(max(id), 0) FROM text", &n_texts));
    if (e != OK) {
        store_close(s);
        return e;
    }
    *slot = (struct day){.day = day, .s = s, .knows_all = n_texts == 0};
    map_init(&slot->texts);
    *out = slot;
    return OK;
}

enum err event_rows_migrate(struct event_writer *w)
{
    int64_t *days;
    size_t n;
    enum err e = event_day_list(w->dir, &days, &n);
    for (size_t i = 0; e == OK && i < n; i++) {
        struct store *s;
        if (open_store(w, days[i], &s) == OK)
            store_close(s);
    }
    if (e == OK)
        free(days);
    return e;
}

/* --- one record --- */

static enum err look_up(struct day *d, struct str s, uint64_t *id)
{
    return row_number(d->s, ROW_SQL("SELECT id FROM text WHERE s = ?1", ROW_TEXT(s)), id);
}

static enum err add_text(struct day *d, struct str s, uint64_t *id)
{
    return row_add(d->s, ROW_SQL("INSERT INTO text(s) VALUES(?1)", ROW_TEXT(s)), id);
}

/* The number of a string in this file, new when it was not there. */
static enum err intern(struct day *d, struct str s, uint64_t *id)
{
    if (s.n == 0) {
        *id = 0;
        return OK;
    }
    void *known = map_get(&d->texts, s);
    if (known) {
        *id = (uint64_t)(uintptr_t)known;
        return OK;
    }
    enum err e = d->knows_all ? ERR_NOT_FOUND : look_up(d, s, id);
    if (e == ERR_NOT_FOUND)
        e = add_text(d, s, id);
    if (e != OK)
        return e;
    if (d->texts.n >= TEXTS_MAX) {
        map_fini(&d->texts);
        map_init(&d->texts);
        d->knows_all = false;
    }
    return map_put(&d->texts, s, (void *)(uintptr_t)*id, NULL);
}

enum {
    T_USER,
    T_HOST,
    T_CLIENT,
    T_RULE,
    T_CATEGORIES,
    T_METHOD,
    T_SCHEME,
    T_GROUPS,
    T_RULE_NAME,
    T_SHADOW,
    T_CONTENT_TYPE,
    T_UPSTREAM,
    T_USER_AGENT,
    T_REFERER,
    T_ERROR,
    T_NODE,
    T_LISTENER,
    T_GROUP_PATHS,
    T_EFFECT,
    T_NOTE,
    N_TEXTS
};

static enum err intern_all(struct event_writer *w, struct day *d, const struct record *r,
                           uint64_t ids[N_TEXTS])
{
    buf_clear(&w->scratch);
    ip_format(&r->client, &w->scratch);
    const struct str texts[N_TEXTS] = {[T_USER] = r->user,
                                       [T_HOST] = r->host,
                                       [T_CLIENT] = buf_str(&w->scratch),
                                       [T_RULE] = r->rule,
                                       [T_CATEGORIES] = r->categories,
                                       [T_METHOD] = r->method,
                                       [T_SCHEME] = r->scheme,
                                       [T_GROUPS] = r->groups,
                                       [T_RULE_NAME] = r->rule_name,
                                       [T_SHADOW] = r->shadow,
                                       [T_CONTENT_TYPE] = r->content_type,
                                       [T_UPSTREAM] = r->upstream,
                                       [T_USER_AGENT] = r->user_agent,
                                       [T_REFERER] = r->referer,
                                       [T_ERROR] = r->error,
                                       [T_NODE] = r->node,
                                       [T_LISTENER] = r->listener,
                                       [T_GROUP_PATHS] = r->group_paths,
                                       [T_EFFECT] = r->effect,
                                       [T_NOTE] = r->note};
    for (int i = 0; i < N_TEXTS; i++) {
        enum err e = intern(d, texts[i], &ids[i]);
        if (e != OK)
            return e;
    }
    return OK;
}

static void bind_record(struct sqlite3_stmt *st, const struct record *r,
                        const uint64_t ids[N_TEXTS], struct buf *scratch)
{
    const uint64_t values[] = {r->id,
                               (uint64_t)r->time_ms,
                               r->duration_ms,
                               ids[T_USER],
                               ids[T_HOST],
                               ids[T_CLIENT],
                               r->verdict,
                               r->status,
                               ids[T_RULE],
                               ids[T_CATEGORIES],
                               ids[T_METHOD],
                               ids[T_SCHEME],
                               r->port,
                               r->bytes_in,
                               r->bytes_out,
                               r->tls,
                               r->cache,
                               ids[T_GROUPS],
                               ids[T_RULE_NAME],
                               r->policy_version,
                               ids[T_SHADOW],
                               ids[T_CONTENT_TYPE],
                               ids[T_UPSTREAM],
                               r->upstream_ms,
                               ids[T_USER_AGENT],
                               ids[T_REFERER],
                               ids[T_ERROR],
                               ids[T_NODE],
                               r->client_port,
                               ids[T_LISTENER],
                               ids[T_GROUP_PATHS],
                               ids[T_EFFECT],
                               ids[T_NOTE],
                               r->answer_bytes};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        store_bind_u64(st, (int)i + 1, values[i]);
    store_bind_str(st, (int)(sizeof values / sizeof *values) + 1, event_url_short(r, scratch));
}

static enum err insert(struct day *d, const struct record *r, const uint64_t ids[N_TEXTS],
                       struct buf *scratch)
{
    struct sqlite3_stmt *st;
    enum err e =
        store_stmt(d->s,
                   "INSERT OR IGNORE INTO record("
                   "id, time_ms, duration_ms, user, host, client, verdict, status, rule, "
                   "categories, method, scheme, port, bytes_in, bytes_out, tls, cache, "
                   "groups, rule_name, policy_version, shadow, content_type, upstream, "
                   "upstream_ms, user_agent, referer, error, node, client_port, listener, "
                   "group_paths, effect, note, answer_bytes, url"
                   ") VALUES("
                   "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
                   "?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, "
                   "?31, ?32, ?33, ?34, ?35)",
                   &st);
    if (e != OK)
        return e;
    bind_record(st, r, ids, scratch);
    return store_run(d->s, st);
}

static enum err add_sums(struct event_writer *w, struct day *d, const struct record *r,
                         const uint64_t ids[N_TEXTS])
{
    struct rollup_key key = {.hour = rollup_minute_of(r) / 60};
    const struct {
        enum rollup_what what;
        uint64_t text, title;
    } sums[] = {{ROLLUP_USER, ids[T_USER], 0},
                {ROLLUP_HOST, ids[T_HOST], 0},
                {ROLLUP_RULE, ids[T_RULE], ids[T_RULE_NAME]}};
    enum err e = rollup_minute(&w->rollup, r);
    if (e == OK)
        e = rollup_version(&w->rollup, r, ids[r->user.n ? T_USER : T_CLIENT]);
    for (size_t i = 0; i < 3 && e == OK; i++) {
        key.what = sums[i].what;
        key.text = sums[i].text;
        e = rollup_add(&w->rollup, &key, sums[i].title, r);
    }
    struct str rest = r->categories, one = {"", 0};
    bool is_first = true; /* no category at all counts as "" once */
    while (e == OK && (str_split(&rest, '\n', &one) || is_first)) {
        is_first = false;
        key.what = ROLLUP_CATEGORY;
        e = intern(d, one, &key.text);
        if (e == OK)
            e = rollup_add(&w->rollup, &key, 0, r);
    }
    return e;
}

static enum err write_record(struct event_writer *w, struct day *d, const struct record *r)
{
    uint64_t ids[N_TEXTS];
    enum err e = intern_all(w, d, r, ids);
    if (e == OK)
        e = insert(d, r, ids, &w->scratch);
    if (e != OK || store_changes(d->s) == 0)
        return e; /* there already: a replay after a crash */
    return add_sums(w, d, r, ids);
}

/* --- batches --- */

static enum err write_positions(struct store *s, const struct event_batch *b)
{
    enum err e = OK;
    for (size_t i = 0; i < b->n_positions && e == OK; i++) {
        const struct event_position *p = &b->positions[i];
        e = row_run(s, ROW_SQL("INSERT INTO journal VALUES(?1, ?2, ?3)"
                               " ON CONFLICT(journal) DO UPDATE SET epoch = ?2, offset = ?3",
                               ROW_INT(p->journal), ROW_INT(p->epoch), ROW_INT(p->offset)));
    }
    return e;
}

static enum err write_rows(struct event_writer *w, struct day *d, const struct event_batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (event_day_of(&b->records[i]) != d->day)
            continue;
        enum err e = write_record(w, d, &b->records[i]);
        if (e != OK)
            return e;
    }
    enum err e = rollup_flush(&w->rollup, d->s);
    return e == OK ? write_positions(d->s, b) : e;
}

static enum err write_day(struct event_writer *w, int64_t day, const struct event_batch *b)
{
    struct day *d;
    enum err e = open_day(w, day, &d);
    if (e != OK)
        return e;
    rollup_clear(&w->rollup);
    e = explain(w, d->s, store_begin(d->s));
    if (e != OK)
        return e;
    e = explain(w, d->s, store_end(d->s, write_rows(w, d, b)));
    if (e != OK)
        close_day(d); /* numbers given to strings are void now; a fresh look next time */
    return e;
}

static enum err write_day_or_set_aside(struct event_writer *w, int64_t day,
                                       const struct event_batch *b)
{
    enum err e = write_day(w, day, b);
    if (e != ERR_CORRUPT)
        return e;
    set_aside(w, day);
    return write_day(w, day, b);
}

enum err event_rows_write(struct event_writer *w, const struct event_batch *b)
{
    int64_t days[DAYS_IN_BATCH_MAX];
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        int64_t day = event_day_of(&b->records[i]);
        size_t k = 0;
        while (k < n && days[k] != day)
            k++;
        if (k < n)
            continue;
        if (n == DAYS_IN_BATCH_MAX)
            return ERR_LIMIT;
        days[n++] = day;
    }
    for (size_t k = 0; k < n; k++) {
        enum err e = write_day_or_set_aside(w, days[k], b);
        if (e != OK)
            return e;
    }
    return OK;
}

/* --- start and retention --- */

static enum err number_in(struct event_writer *w, int64_t day, const char *sql, uint64_t *out)
{
    char path[EVENT_DAY_PATH];
    struct store *s;
    enum err e = event_day_path(w->dir, day, path);
    if (e == OK)
        e = store_open(path, STORE_READ, w->why, &s);
    if (e != OK)
        return e;
    e = explain(w, s, store_u64(s, sql, out));
    store_close(s);
    return e;
}

enum err event_rows_last_id(struct event_writer *w, uint64_t *out)
{
    int64_t *days;
    size_t n;
    uint64_t last = 0, here;
    enum err e = event_day_list(w->dir, &days, &n);
    if (e != OK)
        return e;
    for (size_t i = 0; i < n; i++) {
        /* A damaged or unreadable day must not keep the proxy from starting. */
        if (number_in(w, days[i], "SELECT coalesce(max(id), 0) FROM record", &here) == OK &&
            here > last)
            last = here;
    }
    free(days);
    *out = last;
    return OK;
}

static void read_position(struct row *r, void *item)
{
    *(struct event_position *)item = (struct event_position){
        .epoch = row_u64(r, 0), .offset = row_u64(r, 1), .journal = (uint32_t)row_u64(r, 2)};
}

static enum err position_in(struct store *s, uint32_t journal, struct event_position *out)
{
    return row_one(
        s,
        ROW_SQL("SELECT epoch, offset, journal FROM journal WHERE journal = ?1", ROW_INT(journal)),
        ROW_INTO(read_position, NULL, out));
}

enum err event_rows_position(struct event_writer *w, uint32_t journal, struct event_position *out)
{
    int64_t *days;
    size_t n;
    enum err e = event_day_list(w->dir, &days, &n);
    if (e != OK)
        return e;
    e = ERR_NOT_FOUND;
    for (size_t i = n; i > 0 && e == ERR_NOT_FOUND; i--) {
        char path[EVENT_DAY_PATH];
        struct store *s;
        if (event_day_path(w->dir, days[i - 1], path) != OK ||
            store_open(path, STORE_READ, w->why, &s) != OK)
            continue;
        e = position_in(s, journal, out);
        store_close(s);
    }
    free(days);
    return e;
}

static void remove_day(struct event_writer *w, int64_t day)
{
    char path[EVENT_DAY_PATH], side[EVENT_DAY_PATH + 8];
    for (int i = 0; i < OPEN_DAYS; i++) {
        if (w->days[i].s && w->days[i].day == day)
            close_day(&w->days[i]);
    }
    if (event_day_path(w->dir, day, path) != OK)
        return;
    unlink(path);
    snprintf(side, sizeof side, "%s-wal", path);
    unlink(side);
    snprintf(side, sizeof side, "%s-shm", path);
    unlink(side);
}

enum err event_rows_expire(struct event_writer *w, unsigned days, int64_t now_ms,
                           unsigned *n_removed)
{
    int64_t *all;
    size_t n;
    unsigned removed = 0;
    enum err e = event_day_list(w->dir, &all, &n);
    if (e != OK)
        return e;
    for (size_t i = 0; i < n && all[i] < event_day_of_ms(now_ms) - (int64_t)days; i++) {
        remove_day(w, all[i]);
        removed++;
    }
    free(all);
    if (n_removed)
        *n_removed = removed;
    return OK;
}
