/* event_query: search, one by id, tail. */
#include "db/event_query.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/event_day.h"
#include "db/event_file.h"
#include "db/event_range.h"
#include "db/event_reader.h"

enum err event_query_open(const char *dir, struct event_reader **out)
{
    struct event_reader *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    enum err e = event_files_init(&r->files, dir);
    if (e != OK) {
        free(r);
        return e;
    }
    *out = r;
    return OK;
}

void event_query_close(struct event_reader *r)
{
    if (!r)
        return;
    event_files_fini(&r->files);
    free(r);
}

const char *event_query_why(const struct event_reader *r)
{
    return r->files.why;
}

/* --- one scan over one file --- */

struct scan {
    struct event_file *f;
    const struct event_query *q;
    const struct event_emit *emit;
    sqlite3_stmt *st;
    unsigned char *memo[EVENT_FILTER_TERMS]; /* by text number: 0 not looked, 1 no, 2 yes */
    uint64_t n_memo;
    int url_at;         /* first of the columns url, scheme, host, port; 0: not selected */
    enum err e;         /* of a term that could not be judged */
    uint64_t n_emitted; /* over all files */
    int64_t last_day;   /* of the last record emitted or looked at */
    uint64_t last_id;
    bool is_done, has_more;
};

/* Column names are the field names of the contract. */
static const char *const columns[EVENT_FIELDS] = {
    "id",         "node",    "duration_ms", "client",         "user",
    "groups",     "method",  "url",         "scheme",         "host",
    "port",       "status",  "bytes_in",    "bytes_out",      "content_type",
    "verdict",    "rule",    "rule_name",   "policy_version", "categories",
    "shadow",     "cache",   "tls",         "upstream",       "upstream_ms",
    "user_agent", "referer", "error",       "listener",       "group_paths",
    "effect",     "note"};

static bool text_term_fits(struct scan *s, const struct event_term *t, size_t at)
{
    uint64_t id = (uint64_t)sqlite3_column_int64(s->st, (int)at + 2);
    if (s->memo[at] && id < s->n_memo && s->memo[at][id])
        return s->memo[at][id] == 2;
    struct str text;
    enum err e = event_file_text(s->f, id, &text);
    if (e != OK) {
        s->e = e;
        return false;
    }
    bool fits = event_filter_text_fits(t, text);
    if (s->memo[at] && id < s->n_memo)
        s->memo[at][id] = fits ? 2 : 1;
    return fits;
}

static bool url_term_fits(struct scan *s, const struct event_term *t)
{
    struct event_url_parts p = {
        .stored = store_column(s->st, s->url_at),
        .scheme = store_column_u64(s->st, s->url_at + 1),
        .host = store_column_u64(s->st, s->url_at + 2),
        .port = (uint16_t)store_column_u64(s->st, s->url_at + 3),
    };
    struct str url;
    enum err e = event_file_url(s->f, &p, &url);
    if (e != OK) {
        s->e = e;
        return false;
    }
    return event_filter_text_fits(t, url);
}

static bool term_fits(void *ctx, const struct event_term *t, size_t at)
{
    struct scan *s = ctx;
    if (t->field == EVENT_URL)
        return url_term_fits(s, t);
    if (!event_filter_is_number(t->field))
        return text_term_fits(s, t, at);
    uint64_t v = (uint64_t)sqlite3_column_int64(s->st, (int)at + 2);
    return v >= t->low && v <= t->high;
}

static enum err make_memos(struct scan *s)
{
    uint64_t max;
    enum err e = store_u64(s->f->s, "SELECT coalesce(max(id), 0) FROM text", &max);
    if (e != OK)
        return e;
    s->n_memo = max + 1;
    for (size_t i = 0; s->q->filter && i < s->q->filter->n_terms; i++) {
        enum event_field field = s->q->filter->terms[i].field;
        if (!event_filter_is_number(field) && field != EVENT_URL)
            s->memo[i] = calloc((size_t)s->n_memo, 1); /* slower without, never wrong */
    }
    return OK;
}

static void free_memos(struct scan *s)
{
    for (size_t i = 0; i < EVENT_FILTER_TERMS; i++) {
        free(s->memo[i]);
        s->memo[i] = NULL;
    }
}

/* Only the columns that the filter asks for: the whole row is read for records that fit. */
static enum err prepare(struct scan *s)
{
    struct buf sql;
    const struct event_filter *f = s->q->filter;
    buf_init(&sql, 8192);
    buf_add_z(&sql, "SELECT id, time_ms");
    s->url_at = 0;
    for (size_t i = 0; f && i < f->n_terms; i++) {
        buf_addf(&sql, ", %s", columns[f->terms[i].field]);
        if (f->terms[i].field == EVENT_URL)
            s->url_at = (int)f->n_terms + 2;
    }
    if (s->url_at)
        buf_add_z(&sql, ", url, scheme, host, port");
    buf_add_z(&sql, " FROM record WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    buf_add_z(&sql, s->q->ascending ? "" : " DESC");
    int rc = sql.failed
                 ? SQLITE_NOMEM
                 : sqlite3_prepare_v2(store_handle(s->f->s), sql.p, (int)sql.n, &s->st, NULL);
    buf_fini(&sql);
    return rc == SQLITE_OK      ? OK
           : rc == SQLITE_NOMEM ? ERR_NOMEM
                                : store_fail(s->f->s, ERR_CORRUPT, "a day file cannot be read: %s",
                                             sqlite3_errmsg(store_handle(s->f->s)));
}

/* One row that is at hand: judge and emit. Sets is_done when the walk is over. */
static enum err judge(struct scan *s)
{
    const struct event_filter *f = s->q->filter;
    uint64_t id = store_column_u64(s->st, 0);
    int64_t time_ms = store_column_i64(s->st, 1);
    s->e = OK;
    bool fits = !f || (time_ms >= f->from_ms && time_ms < f->to_ms &&
                       event_filter_combine(f, term_fits, s));
    if (s->e != OK)
        return s->e;
    if (fits && s->q->limit && s->n_emitted == s->q->limit) {
        s->has_more = s->is_done = true;
        return OK;
    }
    s->last_day = s->f->day;
    s->last_id = id;
    if (!fits)
        return OK;
    struct record r;
    enum err e = event_file_record(s->f, id, &r);
    if (e != OK)
        return e;
    s->n_emitted++;
    if (!s->emit->record(s->emit->ctx, &r))
        s->has_more = s->is_done = true;
    return OK;
}

static enum err walk(struct scan *s, const struct event_range *r)
{
    enum err e = prepare(s);
    if (e != OK)
        return e;
    store_bind_u64(s->st, 1, r->low);
    store_bind_u64(s->st, 2, r->high);
    while (!s->is_done && (e = store_step(s->f->s, s->st)) == OK) {
        e = judge(s);
        if (e != OK)
            break;
    }
    sqlite3_finalize(s->st);
    s->st = NULL;
    return e == ERR_NOT_FOUND ? OK : e;
}

struct cursor {
    bool is_set;
    int64_t day;
    uint64_t id;
};

/* What the cursor leaves of a range; false: nothing. */
static bool behind_cursor(const struct scan *s, const struct cursor *c, struct event_range *r)
{
    if (!c->is_set || c->day != s->f->day)
        return true;
    if (s->q->ascending)
        r->low = c->id + 1 > r->low ? c->id + 1 : r->low;
    else if (c->id == 0)
        return false;
    else
        r->high = c->id - 1 < r->high ? c->id - 1 : r->high;
    return r->low <= r->high;
}

static enum err walk_ranges(struct scan *s, const struct cursor *c)
{
    struct event_range ranges[EVENT_RANGES];
    size_t n;
    enum err e = event_range_find(s->f, s->q->filter, ranges, &n);
    if (e == OK)
        e = make_memos(s);
    for (size_t i = 0; i < n && e == OK && !s->is_done; i++) {
        struct event_range r = ranges[s->q->ascending ? i : n - 1 - i];
        if (behind_cursor(s, c, &r))
            e = walk(s, &r);
    }
    free_memos(s);
    return e;
}

static enum err scan_file(struct scan *s, const struct cursor *c)
{
    store_deadline(s->f->s, s->q->deadline_mono_ms);
    enum err e = store_begin(s->f->s); /* one view of the file, also for the texts */
    if (e == OK) {
        e = walk_ranges(s, c);
        store_rollback(s->f->s);
    }
    store_deadline(s->f->s, 0);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* --- over the files --- */

static enum err parse_cursor(struct str text, struct cursor *out)
{
    struct str day;
    uint64_t d, id;
    *out = (struct cursor){0};
    if (text.n == 0)
        return OK;
    if (!str_split(&text, '.', &day) || str_to_u64(day, 4000000, &d) != OK ||
        str_to_u64(text, INT64_MAX, &id) != OK)
        return ERR_INVALID;
    *out = (struct cursor){true, (int64_t)d, id};
    return OK;
}

/* May this day hold anything that is asked for? */
static bool is_in_reach(const struct scan *s, int64_t day, const struct cursor *c)
{
    if (c->is_set && (s->q->ascending ? day < c->day : day > c->day))
        return false;
    /* A record stands in the day in which it ended, so never before the day it began. */
    return !s->q->filter || day >= event_day_of_ms(s->q->filter->from_ms);
}

static enum err scan_day(struct event_reader *r, struct scan *s, int64_t day,
                         const struct cursor *c)
{
    enum err e = event_files_get(&r->files, day, &s->f);
    if (e == OK) {
        e = scan_file(s, c);
        if (e != OK)
            memcpy(r->files.why, store_why(s->f->s), STORE_WHY_BYTES);
    }
    /* Gone meanwhile, not yet begun, or damaged: the other days can still be shown. */
    return e == ERR_NOT_FOUND || e == ERR_CORRUPT ? OK : e;
}

enum err event_query_run(struct event_reader *r, const struct event_query *q,
                         const struct event_emit *emit, char next[EVENT_CURSOR_BYTES])
{
    struct scan s = {.q = q, .emit = emit};
    struct cursor c;
    int64_t *days;
    size_t n;
    r->files.why[0] = '\0';
    enum err e = parse_cursor(q->cursor, &c);
    if (e == OK)
        e = event_day_list(r->files.dir, &days, &n);
    if (e != OK)
        return e;
    s.last_day = c.day;
    s.last_id = c.id;
    for (size_t i = 0; i < n && !s.is_done && e == OK; i++) {
        int64_t day = q->ascending ? days[i] : days[n - 1 - i];
        if (is_in_reach(&s, day, &c))
            e = scan_day(r, &s, day, &c);
    }
    free(days);
    next[0] = '\0';
    if (s.has_more || (e == ERR_TIMEOUT && s.last_id))
        snprintf(next, EVENT_CURSOR_BYTES, "%lld.%llu", (long long)s.last_day,
                 (unsigned long long)s.last_id);
    return e;
}

/* --- one record --- */

enum err event_query_get(struct event_reader *r, uint64_t id, const struct event_emit *emit)
{
    int64_t *days;
    size_t n;
    struct record record;
    if (id == 0 || id > INT64_MAX)
        return ERR_NOT_FOUND;
    enum err e = event_day_list(r->files.dir, &days, &n);
    if (e != OK)
        return e;
    e = ERR_NOT_FOUND;
    for (size_t i = n; i > 0 && e == ERR_NOT_FOUND; i--) {
        struct event_file *f;
        if (event_files_get(&r->files, days[i - 1], &f) != OK)
            continue;
        e = event_file_record(f, id, &record);
        if (e == OK)
            emit->record(emit->ctx, &record);
        else if (e == ERR_CORRUPT)
            e = ERR_NOT_FOUND;
    }
    free(days);
    return e;
}

/* --- tail --- */

#define TAIL_DAYS ((size_t)3)
#define TAIL_MAX  ((size_t)4096)
#define GAP_MS    2000 /* how long a missing number may still be on its way from another worker */

struct tail_row {
    uint64_t id;
    int64_t day, end_ms;
};

static enum err tail_ids(struct event_file *f, uint64_t after, struct tail_row *rows, size_t *n)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(f->s,
                            "SELECT id, time_ms + duration_ms FROM record WHERE id > ?1"
                            " ORDER BY id LIMIT ?2",
                            &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, after);
    store_bind_u64(st, 2, TAIL_MAX);
    while ((e = store_step(f->s, st)) == OK)
        rows[(*n)++] = (struct tail_row){store_column_u64(st, 0), f->day, store_column_i64(st, 1)};
    return e == ERR_NOT_FOUND ? OK : e;
}

static int by_id(const void *a, const void *b)
{
    const struct tail_row *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static enum err collect_tail(struct event_reader *r, uint64_t after, struct tail_row *rows,
                             size_t *n)
{
    int64_t *days;
    size_t n_days;
    enum err e = event_day_list(r->files.dir, &days, &n_days);
    if (e != OK)
        return e;
    size_t first = n_days > TAIL_DAYS ? n_days - TAIL_DAYS : 0;
    for (size_t i = first; i < n_days && e == OK; i++) {
        struct event_file *f;
        e = event_files_get(&r->files, days[i], &f);
        if (e == OK)
            e = tail_ids(f, after, rows, n);
        if (e == ERR_NOT_FOUND || e == ERR_CORRUPT)
            e = OK;
    }
    free(days);
    if (e == OK && *n)
        qsort(rows, *n, sizeof *rows, by_id);
    return e;
}

/* Workers number their records and the log thread stores them in turns, so a number can be missing
 * for a moment. Nothing behind such a gap is shown before the gap is closed or old. */
static size_t up_to_gap(const struct tail_row *rows, size_t n, uint64_t after)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t young = (int64_t)ts.tv_sec * 1000 - GAP_MS;
    uint64_t expect = after + 1;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id != expect && after && rows[i].end_ms > young)
            return i;
        expect = rows[i].id + 1;
    }
    return n;
}

static enum err emit_tail(struct event_reader *r, const struct event_tail *t,
                          const struct event_emit *emit, const struct tail_row *row, bool *goes_on)
{
    struct event_file *f;
    struct record record;
    enum err e = event_files_get(&r->files, row->day, &f);
    if (e == OK)
        e = event_file_record(f, row->id, &record);
    if (e != OK)
        return e == ERR_NOT_FOUND || e == ERR_CORRUPT ? OK : e;
    if (!t->filter || event_filter_fits(t->filter, &record))
        *goes_on = emit->record(emit->ctx, &record);
    return OK;
}

enum err event_query_tail(struct event_reader *r, const struct event_tail *t,
                          const struct event_emit *emit, uint64_t *last)
{
    struct tail_row *rows = malloc(TAIL_DAYS * TAIL_MAX * sizeof *rows);
    size_t n = 0;
    uint64_t done = t->after;
    bool goes_on = true;
    if (!rows)
        return ERR_NOMEM;
    enum err e = collect_tail(r, t->after, rows, &n);
    n = up_to_gap(rows, n, t->after);
    if (t->limit && n > t->limit)
        n = t->limit;
    for (size_t i = 0; i < n && e == OK && goes_on; i++) {
        e = emit_tail(r, t, emit, &rows[i], &goes_on);
        if (e == OK)
            done = rows[i].id;
    }
    free(rows);
    *last = done;
    return e;
}

enum err event_query_last_id(struct event_reader *r, uint64_t *out)
{
    int64_t *days;
    size_t n;
    uint64_t last = 0, here;
    enum err e = event_day_list(r->files.dir, &days, &n);
    if (e != OK)
        return e;
    for (size_t i = n > TAIL_DAYS ? n - TAIL_DAYS : 0; i < n; i++) {
        struct event_file *f;
        if (event_files_get(&r->files, days[i], &f) == OK &&
            store_u64(f->s, "SELECT coalesce(max(id), 0) FROM record", &here) == OK && here > last)
            last = here;
    }
    free(days);
    *out = last;
    return OK;
}
