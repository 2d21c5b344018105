/* api_reports: handlers over event_report. */
#include "adminui/api_reports.h"

#include "adminui/desk.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/event_report.h"
#include "db/record_format.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define TOPS   10

/* --- the question ------------------------------------------------------------------------------
 */

static bool read_span(struct call *c, int64_t *from_ms, int64_t *to_ms)
{
    *to_ms = clock_wall_ms(&c->app->clock);
    if (!call_query_time(c, "to", to_ms))
        return false;
    *from_ms = *to_ms - DAY_MS;
    if (!call_query_time(c, "from", from_ms))
        return false;
    if (*from_ms < *to_ms)
        return true;
    problem_reply_fault(c, "/from", "out-of-range", "from must be before to.");
    return false;
}

static bool wants_csv(struct call *c, bool *is_csv)
{
    struct str format = call_query(c, "format", STR("json"));
    *is_csv = str_eq(format, STR("csv"));
    if (*is_csv || str_eq(format, STR("json")))
        return true;
    problem_reply_fault(c, "/format", "unknown-format", "A format is json or csv.");
    return false;
}

static bool read_sort(struct call *c, enum event_sort *sort)
{
    static const char *const names[] = {"requests", "blocked", "bytes"};
    struct str text = call_query(c, "sort", (struct str){0});
    for (int i = 0; i < 3 && text.n; i++) {
        if (str_eq(text, str_of(names[i]))) {
            *sort = (enum event_sort)i;
            return true;
        }
    }
    if (text.n)
        problem_reply_fault(c, "/sort", "unknown-order", "sort is requests, blocked or bytes.");
    return !text.n;
}

/* --- the answer --------------------------------------------------------------------------------
 */

static json_t *counts_json(const struct event_counts *x)
{
    json_t *j = json_pack("{s:o}", "requests", reply_u64(x->requests));
    for (int v = 0; v <= RECORD_ERROR; v++)
        json_object_set_new(j, record_verdict_name((enum record_verdict)v),
                            reply_u64(x->verdicts[v]));
    json_object_set_new(j, "bytes_in", reply_u64(x->bytes_in));
    json_object_set_new(j, "bytes_out", reply_u64(x->bytes_out));
    return j;
}

static json_t *quantile(int64_t ms)
{
    return ms < 0 ? json_null() : json_integer(ms);
}

static json_t *series_json(const struct event_series *s)
{
    json_t *all = json_array();
    for (size_t i = 0; i < s->n; i++) {
        json_t *point = counts_json(&s->points[i].counts);
        json_object_set_new(point, "time", reply_time(s->points[i].time_ms));
        json_array_append_new(all, point);
    }
    return all;
}

static json_t *row_json(const struct event_top_row *r)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "name", reply_str(r->name), "title",
                     reply_str(r->title), "requests", reply_u64(r->requests), "blocked",
                     reply_u64(r->blocked), "bytes_in", reply_u64(r->bytes_in), "bytes_out",
                     reply_u64(r->bytes_out));
}

/* NULL: the problem is answered. */
static json_t *top_json(struct call *c, const struct event_top_ask *ask)
{
    struct event_top_row *rows;
    size_t n;
    enum err e = event_report_top(c->desk->events, ask, &c->arena, &rows, &n);
    if (e != OK) {
        problem_reply_err(c, e, "report");
        return NULL;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, row_json(&rows[i]));
    return all;
}

/* A flat array of objects as CSV; the columns are the members of the first. */
static void reply_csv(struct call *c, const char *file, json_t *take_rows)
{
    const char *name;
    json_t *row, *v;
    size_t i;
    reply_text(c, 200, "text/csv; charset=utf-8", (struct str){0});
    struct buf *out = &c->reply.body;
    json_array_foreach(take_rows, i, row)
    {
        bool is_first = true;
        if (!i) {
            json_object_foreach(row, name, v)
            {
                buf_addf(out, "%s%s", is_first ? "" : ",", name);
                is_first = false;
            }
            buf_add_z(out, "\r\n");
            is_first = true;
        }
        json_object_foreach(row, name, v)
        {
            if (!is_first)
                buf_add_c(out, ',');
            is_first = false;
            if (json_is_integer(v))
                buf_addf(out, "%lld", (long long)json_integer_value(v));
            else
                record_format_csv_cell(str_of(json_string_value(v)), out);
        }
        buf_add_z(out, "\r\n");
    }
    reply_file_name(c, file);
    json_decref(take_rows);
}

/* --- overview ----------------------------------------------------------------------------------
 */

static json_t *tops_json(struct call *c, int64_t from_ms, int64_t to_ms)
{
    static const struct {
        const char *name;
        enum event_top what;
        enum event_sort sort;
    } tops[] = {{"users", EVENT_TOP_USERS, EVENT_BY_REQUESTS},
                {"hosts", EVENT_TOP_HOSTS, EVENT_BY_REQUESTS},
                {"blocked_hosts", EVENT_TOP_HOSTS, EVENT_BY_BLOCKED},
                {"categories", EVENT_TOP_CATEGORIES, EVENT_BY_REQUESTS},
                {"rules", EVENT_TOP_RULES, EVENT_BY_REQUESTS}};
    json_t *all = json_object();
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
        struct event_top_ask ask = {from_ms, to_ms, tops[i].what, tops[i].sort, TOPS};
        /* Who it was is for those who may read the log. */
        bool may = tops[i].what != EVENT_TOP_USERS || role_may(c->caller.role, PERMISSION_LOG);
        json_t *rows = may ? top_json(c, &ask) : json_array();
        if (!rows) {
            json_decref(all);
            return NULL;
        }
        json_object_set_new(all, tops[i].name, rows);
    }
    return all;
}

static bool load_series(struct call *c, struct event_series *s)
{
    struct event_span span = {0};
    uint64_t buckets = 60;
    if (!read_span(c, &span.from_ms, &span.to_ms) ||
        !call_query_number(c, "buckets", 1500, &buckets))
        return false;
    span.buckets = (unsigned)buckets;
    enum err e = event_report_series(c->desk->events, &span, &c->arena, s);
    if (e != OK)
        problem_reply_err(c, e, "report");
    return e == OK;
}

void api_reports_overview(struct call *c)
{
    struct event_series s;
    bool is_csv;
    if (!wants_csv(c, &is_csv) || !load_series(c, &s))
        return;
    if (is_csv) {
        reply_csv(c, "overview.csv", series_json(&s));
        return;
    }
    json_t *totals = counts_json(&s.totals);
    json_object_set_new(totals, "users", reply_u64(s.users));
    json_object_set_new(totals, "p50_ms", quantile(s.median_ms));
    json_object_set_new(totals, "p95_ms", quantile(s.percent95_ms));
    json_t *tops = tops_json(c, s.from_ms, s.to_ms);
    if (!tops) {
        json_decref(totals);
        return;
    }
    reply_json(c, 200,
               json_pack("{s:o,s:o,s:I,s:o,s:o,s:o}", "from", reply_time(s.from_ms), "to",
                         reply_time(s.to_ms), "bucket_ms", (json_int_t)s.bucket_ms, "totals",
                         totals, "series", series_json(&s), "top", tops));
}

/* --- tops --------------------------------------------------------------------------------------
 */

static bool read_top(struct call *c, struct event_top_ask *ask, bool *is_csv)
{
    uint64_t limit = 20;
    if (!wants_csv(c, is_csv) || !read_span(c, &ask->from_ms, &ask->to_ms) ||
        !read_sort(c, &ask->sort) || !call_query_number(c, "limit", 1000, &limit))
        return false;
    ask->limit = (size_t)limit;
    return true;
}

static void reply_top(struct call *c, enum event_top what, const char *file)
{
    struct event_top_ask ask = {.what = what};
    bool is_csv;
    if (!read_top(c, &ask, &is_csv))
        return;
    json_t *rows = top_json(c, &ask);
    if (rows && is_csv)
        reply_csv(c, file, rows);
    else if (rows)
        reply_json(c, 200,
                   json_pack("{s:o,s:o,s:o}", "from", reply_time(ask.from_ms), "to",
                             reply_time(ask.to_ms), "items", rows));
}

void api_reports_users(struct call *c)
{
    reply_top(c, EVENT_TOP_USERS, "users.csv");
}

void api_reports_hosts(struct call *c)
{
    reply_top(c, EVENT_TOP_HOSTS, "hosts.csv");
}

void api_reports_categories(struct call *c)
{
    reply_top(c, EVENT_TOP_CATEGORIES, "categories.csv");
}

void api_reports_rules(struct call *c)
{
    reply_top(c, EVENT_TOP_RULES, "rules.csv");
}

void api_reports_bandwidth(struct call *c)
{
    struct event_top_ask ask = {.what = EVENT_TOP_USERS, .sort = EVENT_BY_BYTES};
    struct event_series s;
    bool is_csv;
    if (!read_top(c, &ask, &is_csv) || !load_series(c, &s))
        return;
    json_t *rows = top_json(c, &ask);
    if (rows && is_csv)
        reply_csv(c, "bandwidth.csv", rows);
    else if (rows)
        reply_json(c, 200,
                   json_pack("{s:o,s:o,s:I,s:o,s:o}", "from", reply_time(s.from_ms), "to",
                             reply_time(s.to_ms), "bucket_ms", (json_int_t)s.bucket_ms, "series",
                             series_json(&s), "items", rows));
}
