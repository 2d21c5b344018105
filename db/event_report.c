/* event_report: series, totals and tops from the roll-ups. */
#include "db/event_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "db/event_day.h"
#include "db/event_reader.h"
#include "db/rollup.h"
#include "db/row.h"

#define MINUTE_MS       INT64_C(60000)
#define HOUR_MS         INT64_C(3600000)
#define BUCKETS_DEFAULT 60
#define BUCKETS_MAX     1500
#define NAMES_CEILING   ((size_t)256 << 20)

/* --- walking the day files of a span --- */

struct visit {
    enum err (*file)(void *ctx, struct event_file *f);
    void *ctx;
};

static enum err each_file(struct event_reader *r, int64_t from_ms, int64_t to_ms,
                          const struct visit *v)
{
    int64_t *days;
    size_t n;
    enum err e = event_day_list(r->files.dir, &days, &n);
    if (e != OK)
        return e;
    for (size_t i = 0; i < n && e == OK; i++) {
        struct event_file *f;
        if (days[i] < event_day_of_ms(from_ms) || days[i] > event_day_of_ms(to_ms - 1))
            continue;
        e = event_files_get(&r->files, days[i], &f);
        if (e == OK)
            e = v->file(v->ctx, f);
        if (e == ERR_NOT_FOUND || e == ERR_CORRUPT)
            e = OK; /* the other days can still be shown */
    }
    free(days);
    return e;
}

/* --- series --- */

struct series {
    struct event_series *out;
    uint64_t times[ROLLUP_TIMES];
    struct map users;
};

/* A step people read easily, so that about `buckets` points come out. */
static int64_t bucket_for(int64_t span_ms, unsigned buckets)
{
    static const int64_t minutes[] = {1,   2,   5,   10,  15,   30,   60,
                                      120, 180, 360, 720, 1440, 2880, 10080};
    size_t n = sizeof minutes / sizeof *minutes;
    for (size_t i = 0; i < n; i++) {
        if (span_ms / (minutes[i] * MINUTE_MS) <= (int64_t)buckets)
            return minutes[i] * MINUTE_MS;
    }
    int64_t days = span_ms / (int64_t)buckets / EVENT_DAY_MS + 1;
    return days * EVENT_DAY_MS;
}

static void add_counts(struct event_counts *c, struct row *r)
{
    c->requests += row_u64(r, 1);
    for (int v = RECORD_ALLOWED; v <= RECORD_ERROR; v++)
        c->verdicts[v] += row_u64(r, 2 + v);
    c->bytes_in += row_u64(r, 8);
    c->bytes_out += row_u64(r, 9);
}

static void add_times(struct series *x, struct str blob)
{
    uint32_t times[ROLLUP_TIMES];
    if (blob.n != sizeof times)
        return;
    memcpy(times, blob.p, sizeof times);
    for (int i = 0; i < ROLLUP_TIMES; i++)
        x->times[i] += times[i];
}

static void add_minute(struct row *r, void *item)
{
    struct series *x = item;
    struct event_series *o = x->out;
    int64_t at = row_i64(r, 0) * MINUTE_MS;
    size_t i = (size_t)((at - o->from_ms) / o->bucket_ms);
    if (i < o->n)
        add_counts(&o->points[i].counts, r);
    add_counts(&o->totals, r);
    add_times(x, row_view(r, 10));
}

static enum err add_minutes(struct series *x, struct event_file *f)
{
    return row_each(f->s,
                    ROW_SQL("SELECT minute, requests, allowed, blocked, warned, denied_auth,"
                            " refused, error, bytes_in, bytes_out, times FROM minute"
                            " WHERE minute >= ?1 AND minute < ?2",
                            ROW_INT(x->out->from_ms / MINUTE_MS),
                            ROW_INT(x->out->to_ms / MINUTE_MS)),
                    ROW_INTO(add_minute, NULL, x));
}

static void add_user(struct row *r, void *item)
{
    struct series *x = item;
    row_fail(r, map_put(&x->users, row_view(r, 0), x, NULL) == OK ? OK : ERR_NOMEM);
}

static enum err add_users(struct series *x, struct event_file *f)
{
    return row_each(f->s,
                    ROW_SQL("SELECT DISTINCT s FROM hour JOIN text ON text.id = hour.text"
                            " WHERE what = 0 AND hour >= ?1 AND hour <= ?2 AND text <> 0",
                            ROW_INT(x->out->from_ms / HOUR_MS),
                            ROW_INT((x->out->to_ms - 1) / HOUR_MS)),
                    ROW_INTO(add_user, NULL, x));
}

static enum err add_series_file(void *ctx, struct event_file *f)
{
    enum err e = add_minutes(ctx, f);
    return e == OK ? add_users(ctx, f) : e;
}

/* The time below which that part (in percent) of the requests stayed; -1 when there were none. */
static int64_t percentile(const uint64_t times[ROLLUP_TIMES], unsigned percent)
{
    uint64_t all = 0, seen = 0;
    for (int i = 0; i < ROLLUP_TIMES; i++)
        all += times[i];
    for (unsigned i = 0; i < ROLLUP_TIMES && all; i++) {
        seen += times[i];
        if (seen * 100 >= all * percent)
            return rollup_bucket_ms(i);
    }
    return -1;
}

static enum err make_points(const struct event_span *span, struct arena *a, struct event_series *o)
{
    unsigned buckets = span->buckets == 0            ? BUCKETS_DEFAULT
                       : span->buckets > BUCKETS_MAX ? BUCKETS_MAX
                                                     : span->buckets;
    if (span->from_ms < 0 || span->to_ms <= span->from_ms || span->to_ms > INT64_C(253402300799000))
        return ERR_INVALID;
    o->bucket_ms = bucket_for(span->to_ms - span->from_ms, buckets);
    o->from_ms = span->from_ms / o->bucket_ms * o->bucket_ms;
    o->to_ms = (span->to_ms + MINUTE_MS - 1) / MINUTE_MS * MINUTE_MS;
    o->n = (size_t)((o->to_ms - o->from_ms + o->bucket_ms - 1) / o->bucket_ms);
    o->points = arena_alloc(a, o->n * sizeof *o->points);
    if (!o->points)
        return ERR_NOMEM;
    for (size_t i = 0; i < o->n; i++)
        o->points[i] = (struct event_point){.time_ms = o->from_ms + (int64_t)i * o->bucket_ms};
    return OK;
}

enum err event_report_series(struct event_reader *r, const struct event_span *span, struct arena *a,
                             struct event_series *out)
{
    struct event_series o = {0};
    enum err e = make_points(span, a, &o);
    if (e != OK)
        return e;
    struct series x = {.out = &o};
    map_init(&x.users);
    e = each_file(r, o.from_ms, o.to_ms, &(struct visit){add_series_file, &x});
    o.users = x.users.n;
    map_fini(&x.users);
    if (e != OK)
        return e;
    o.median_ms = percentile(x.times, 50);
    o.percent95_ms = percentile(x.times, 95);
    *out = o;
    return OK;
}

/* --- tops --- */

struct top {
    const struct event_top_ask *ask;
    struct map rows; /* name to struct event_top_row */
    struct arena arena;
};

static enum err find_row(struct top *x, struct str name, struct event_top_row **out)
{
    struct event_top_row *row = map_get(&x->rows, name);
    if (!row) {
        row = arena_alloc(&x->arena, sizeof *row);
        if (!row)
            return ERR_NOMEM;
        row->name = arena_str(&x->arena, name);
        if (!row->name.p || map_put(&x->rows, name, row, NULL) != OK)
            return ERR_NOMEM;
    }
    *out = row;
    return OK;
}

static void add_row(struct row *r, void *item)
{
    struct top *x = item;
    struct event_top_row *row;
    row_fail(r, find_row(x, row_view(r, 0), &row));
    if (r->e != OK)
        return;
    /* of a rule: the latest name it had */
    row->title = x->ask->what == EVENT_TOP_RULES ? row_text(r, 1) : row->name;
    row->requests += row_u64(r, 2);
    row->blocked += row_u64(r, 3);
    row->bytes_in += row_u64(r, 4);
    row->bytes_out += row_u64(r, 5);
}

static enum err add_top_file(void *ctx, struct event_file *f)
{
    struct top *x = ctx;
    return row_each(
        f->s,
        ROW_SQL("SELECT t.s, n.s, h.requests, h.blocked, h.bytes_in, h.bytes_out FROM"
                " (SELECT text, max(title) AS title, sum(requests) AS requests, sum(blocked) AS"
                "  blocked, sum(bytes_in) AS bytes_in, sum(bytes_out) AS bytes_out FROM hour"
                "  WHERE what = ?1 AND hour >= ?2 AND hour <= ?3 GROUP BY text) h"
                " JOIN text t ON t.id = h.text JOIN text n ON n.id = h.title",
                ROW_INT(x->ask->what), ROW_INT(x->ask->from_ms / HOUR_MS),
                ROW_INT((x->ask->to_ms - 1) / HOUR_MS)),
        ROW_INTO(add_row, &x->arena, x));
}

struct ranked {
    uint64_t weight;
    const struct event_top_row *row;
};

static int by_weight(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return str_cmp(x->row->name, y->row->name);
}

static uint64_t weight_of(const struct event_top_row *row, enum event_sort sort)
{
    switch (sort) {
    case EVENT_BY_REQUESTS: return row->requests;
    case EVENT_BY_BLOCKED: return row->blocked;
    case EVENT_BY_BYTES: return row->bytes_in + row->bytes_out;
    }
    return 0;
}

/* The first rows by weight, copied into the caller's arena; rows without weight are left out. */
static enum err rank(struct top *x, struct arena *a, struct event_top_row **rows, size_t *n)
{
    struct str key;
    void *value;
    size_t count = 0, limit = x->ask->limit;
    struct ranked *all = calloc(x->rows.n + 1, sizeof *all);
    if (!all)
        return ERR_NOMEM;
    for (size_t at = 0; map_each(&x->rows, &at, &key, &value);) {
        all[count] = (struct ranked){weight_of(value, x->ask->sort), value};
        count += all[count].weight > 0;
    }
    qsort(all, count, sizeof *all, by_weight);
    limit = count < limit ? count : limit;
    struct event_top_row *out = arena_alloc(a, (limit + 1) * sizeof *out);
    enum err e = out ? OK : ERR_NOMEM;
    for (size_t i = 0; i < limit && e == OK; i++) {
        out[i] = *all[i].row;
        out[i].name = arena_str(a, all[i].row->name);
        out[i].title = arena_str(a, all[i].row->title);
        if (!out[i].name.p || !out[i].title.p)
            e = ERR_NOMEM;
    }
    free(all);
    if (e == OK) {
        *rows = out;
        *n = limit;
    }
    return e;
}

enum err event_report_top(struct event_reader *r, const struct event_top_ask *ask, struct arena *a,
                          struct event_top_row **rows, size_t *n)
{
    struct top x = {.ask = ask};
    if (ask->from_ms < 0 || ask->to_ms <= ask->from_ms)
        return ERR_INVALID;
    map_init(&x.rows);
    arena_init(&x.arena, (size_t)64 << 10, NAMES_CEILING);
    enum err e = each_file(r, ask->from_ms, ask->to_ms, &(struct visit){add_top_file, &x});
    if (e == OK)
        e = rank(&x, a, rows, n);
    map_fini(&x.rows);
    arena_fini(&x.arena);
    return e;
}

/* --- rules --- */

struct rules {
    const struct event_span *span;
    struct arena *arena; /* the caller's */
    struct map rows;     /* rule id to struct event_rule_use */
    int64_t first_hour;  /* -1: none */
};

static enum err find_rule(struct rules *x, struct str rule, struct event_rule_use **out)
{
    struct event_rule_use *row = map_get(&x->rows, rule);
    if (!row) {
        row = arena_alloc(x->arena, sizeof *row);
        if (!row)
            return ERR_NOMEM;
        row->rule = arena_str(x->arena, rule);
        if (!row->rule.p || map_put(&x->rows, rule, row, NULL) != OK)
            return ERR_NOMEM;
    }
    *out = row;
    return OK;
}

static void add_rule(struct row *r, void *item)
{
    struct rules *x = item;
    struct event_rule_use *row;
    row_fail(r, find_rule(x, row_view(r, 0), &row));
    if (r->e != OK)
        return;
    row->name = row_text(r, 1);
    row->hits += row_u64(r, 2);
    row->blocked += row_u64(r, 3);
    int64_t last = (row_i64(r, 4) + 1) * HOUR_MS;
    last = last > x->span->to_ms ? x->span->to_ms : last;
    row->last_hit_ms = last > row->last_hit_ms ? last : row->last_hit_ms;
}

static enum err note_first_hour(struct rules *x, struct event_file *f)
{
    uint64_t first = 0;
    enum err e = store_u64(f->s, "SELECT min(minute) / 60 FROM minute HAVING count(*) > 0", &first);
    if (e == OK && (x->first_hour < 0 || (int64_t)first < x->first_hour))
        x->first_hour = (int64_t)first;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err add_rules_file(void *ctx, struct event_file *f)
{
    struct rules *x = ctx;
    enum err e = note_first_hour(x, f);
    if (e != OK)
        return e;
    return row_each(f->s,
                    ROW_SQL("SELECT t.s, n.s, h.requests, h.blocked, h.last FROM"
                            " (SELECT text, max(title) AS title, sum(requests) AS requests,"
                            "  sum(blocked) AS blocked, max(hour) AS last FROM hour WHERE what = 3"
                            "  AND hour >= ?1 AND hour <= ?2 AND text <> 0 GROUP BY text) h"
                            " JOIN text t ON t.id = h.text JOIN text n ON n.id = h.title",
                            ROW_INT(x->span->from_ms / HOUR_MS),
                            ROW_INT((x->span->to_ms - 1) / HOUR_MS)),
                    ROW_INTO(add_rule, x->arena, x));
}

static int by_rule(const void *a, const void *b)
{
    const struct event_rule_use *x = a, *y = b;
    return str_cmp(x->rule, y->rule);
}

enum err event_report_rules(struct event_reader *r, const struct event_span *span, struct arena *a,
                            struct event_rule_uses *out)
{
    struct rules x = {.span = span, .arena = a, .first_hour = -1};
    struct event_rule_uses o = {0};
    struct str key;
    void *value;
    if (span->from_ms < 0 || span->to_ms <= span->from_ms)
        return ERR_INVALID;
    map_init(&x.rows);
    enum err e = each_file(r, span->from_ms, span->to_ms, &(struct visit){add_rules_file, &x});
    o.rows = e == OK ? arena_alloc(a, (x.rows.n + 1) * sizeof *o.rows) : NULL;
    if (e == OK && !o.rows)
        e = ERR_NOMEM;
    for (size_t at = 0; e == OK && map_each(&x.rows, &at, &key, &value);)
        o.rows[o.n++] = *(struct event_rule_use *)value;
    map_fini(&x.rows);
    if (e != OK)
        return e;
    qsort(o.rows, o.n, sizeof *o.rows, by_rule);
    if (x.first_hour >= 0) {
        int64_t first = x.first_hour * HOUR_MS;
        o.counted_from_ms = first > span->from_ms ? first : span->from_ms;
    }
    *out = o;
    return OK;
}
