/* event_rows, event_query, event_report: what is written is found again, once, in order. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/event_day.h"
#include "db/event_query.h"
#include "db/event_report.h"
#include "db/event_rows.h"
#include "db/event_url.h"
#include "db/schema/events.h"
#include "event_records.h"
#include "tests/unit/db/folder.h"

#define DAY  INT64_C(86400000)
#define NOON (INT64_C(20600) * DAY + DAY / 2) /* of some day */

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/events-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return folder_remove(dir);
}

/* n records from id on, step_ms apart. */
static void write_some(struct event_writer *w, uint64_t id, size_t n, int64_t step_ms)
{
    struct record *r = calloc(n, sizeof *r);
    struct made *m = calloc(n, sizeof *m);
    assert_true(r && m);
    for (size_t i = 0; i < n; i++)
        r[i] = make_record(id + i, NOON + (int64_t)(id + i) * step_ms, &m[i]);
    struct event_position p = {77, id + n, 3};
    enum err e = event_rows_write(w, &(struct event_batch){r, n, &p, 1});
    if (e != OK)
        fail_msg("%s: %s", err_name(e), event_rows_why(w));
    free(r);
    free(m);
}

struct seen {
    uint64_t ids[5000];
    size_t n, stop_at;
    struct record last;
    char url[256], user[64];
};

static bool on_record(void *ctx, const struct record *r)
{
    struct seen *s = ctx;
    assert_true(s->n < 5000);
    s->ids[s->n++] = r->id;
    s->last = *r;
    snprintf(s->url, sizeof s->url, "%.*s", STR_ARG(r->url));
    snprintf(s->user, sizeof s->user, "%.*s", STR_ARG(r->user));
    return s->n != s->stop_at;
}

static void expect_same(const struct record *a, const struct record *b)
{
    struct buf x, y;
    buf_init(&x, 65536);
    buf_init(&y, 65536);
    record_encode(a, &x);
    record_encode(b, &y);
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.p, y.p, x.n);
    buf_fini(&x);
    buf_fini(&y);
}

static bool on_compare(void *ctx, const struct record *r)
{
    expect_same(ctx, r);
    return true;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    struct made m;
    assert_int_equal(event_rows_open(dir, &w), OK);
    struct record a = make_record(1, NOON, &m);
    a.client_port = 4711;
    a.tls = RECORD_TLS_INSPECTED;
    a.cache = RECORD_CACHE_HIT;
    a.shadow = STR("r9\nr10");
    a.referer = STR("http://other.example/");
    a.error = STR("dns_error");
    a.url = STR("https://host1.example.com:8443/x\x01\xff");
    a.scheme = STR("https");
    a.port = 8443;
    a.user = STR("nul\0inside");
    struct record b = make_record(2, NOON, &m); /* same texts as a: m is shared, which is fine */
    b.url = STR("/only/a/path");
    b.scheme = STR("");
    struct record c = {.id = 3, .time_ms = NOON};
    const struct record all[] = {a, b, c};
    assert_int_equal(event_rows_write(w, &(struct event_batch){all, 3, NULL, 0}), OK);
    assert_int_equal(event_query_open(dir, &r), OK);
    for (size_t i = 0; i < 3; i++) {
        struct record want = all[i];
        struct event_emit emit = {on_compare, &want};
        assert_int_equal(event_query_get(r, i + 1, &emit), OK);
    }
    assert_int_equal(event_query_get(r, 4, &(struct event_emit){on_compare, &a}), ERR_NOT_FOUND);
    assert_int_equal(event_query_get(r, 0, &(struct event_emit){on_compare, &a}), ERR_NOT_FOUND);
    event_query_close(r);
    event_rows_close(w);
}

static void test_url(void **state)
{
    (void)state;
    static const struct {
        const char *url, *scheme, *host;
        uint16_t port;
        const char *kept;
    } cases[] = {
        {"http://a.example/x?y", "http", "a.example", 80, "/x?y"},
        {"http://a.example:8080/", "http", "a.example", 8080, "/"},
        {"https://a.example/", "connect", "a.example", 443, "/"},
        {"https://[2001:db8::1]:444/z", "https", "2001:db8::1", 444, "/z"},
        {"http://other.example/x", "http", "a.example", 80, "http://other.example/x"},
        {"http://a.example:80/x", "http", "a.example", 80, "http://a.example:80/x"},
        {"http://a.example", "http", "a.example", 80, "http://a.example"},
        {"/x", "http", "a.example", 80, " /x"},
        {" /x", "http", "a.example", 80, "  /x"},
        {"*", "", "", 0, "*"},
        {"", "", "", 0, ""},
    };
    struct buf scratch, out;
    buf_init(&scratch, 1024);
    buf_init(&out, 1024);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct record r = {.url = str_of(cases[i].url),
                           .scheme = str_of(cases[i].scheme),
                           .host = str_of(cases[i].host),
                           .port = cases[i].port};
        struct str kept = event_url_short(&r, &scratch);
        if (!str_eq(kept, str_of(cases[i].kept)))
            fail_msg("%s is kept as %.*s", cases[i].url, STR_ARG(kept));
        buf_clear(&out);
        event_url_restore(&r, kept, &out);
        if (!str_eq(buf_str(&out), r.url))
            fail_msg("%s comes back as %.*s", cases[i].url, STR_ARG(buf_str(&out)));
    }
    buf_fini(&scratch);
    buf_fini(&out);
}

static uint64_t requests_in(struct event_reader *r, int64_t from, int64_t to)
{
    struct arena a;
    struct event_series s;
    arena_init(&a, 4096, 1 << 20);
    assert_int_equal(event_report_series(r, &(struct event_span){from, to, 0}, &a, &s), OK);
    uint64_t in_points = 0;
    for (size_t i = 0; i < s.n; i++)
        in_points += s.points[i].counts.requests;
    assert_int_equal(in_points, s.totals.requests);
    arena_fini(&a);
    return s.totals.requests;
}

/* A journal replayed after a crash: nothing doubles, roll-ups neither. */
static void test_replay(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    struct event_position p;
    uint64_t last;
    assert_int_equal(event_rows_open(dir, &w), OK);
    assert_int_equal(event_rows_last_id(w, &last), OK);
    assert_int_equal(last, 0);
    assert_int_equal(event_rows_position(w, 3, &p), ERR_NOT_FOUND);
    write_some(w, 1, 1000, 10);
    event_rows_close(w);
    assert_int_equal(event_rows_open(dir, &w), OK);
    write_some(w, 501, 1000, 10); /* the second half again, and 500 more */
    assert_int_equal(event_rows_last_id(w, &last), OK);
    assert_int_equal(last, 1500);
    assert_int_equal(event_rows_position(w, 3, &p), OK);
    assert_true(p.epoch == 77 && p.offset == 1501 && p.journal == 3);
    assert_int_equal(event_query_open(dir, &r), OK);
    assert_int_equal(requests_in(r, NOON - DAY, NOON + DAY), 1500);
    event_query_close(r);
    event_rows_close(w);
}

static bool keep_record(void *ctx, const struct record *r)
{
    *(struct record *)ctx = *r;
    return true;
}

/* Day files of an older program are brought up to date by whoever comes first. */
static void test_old_schema(void **state)
{
    (void)state;
    char path[EVENT_DAY_PATH], why[STORE_WHY_BYTES];
    struct store *s;
    struct event_writer *w;
    struct event_reader *r;
    struct record got = {0};
    struct event_emit emit = {keep_record, &got};
    assert_int_equal(event_day_path(dir, NOON / DAY, path), OK);
    assert_int_equal(store_open(path, STORE_EVENTS, why, &s), OK);
    assert_int_equal(store_exec(s, SCHEMA_EVENTS_1), OK);
    assert_int_equal(store_exec(s, "PRAGMA application_id=1886943589; PRAGMA user_version=1;"
                                   "INSERT INTO text VALUES(1, '10.0.0.1'), (2, 'a.test');"),
                     OK);
    assert_int_equal(
        store_exec(s, "INSERT INTO record VALUES(7, 5, 1, 0, 2, 1, 0, 200, 0, 0, 0, 0, 80, 1,"
                      " 2, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 9, 'http://a.test/')"),
        OK);
    store_close(s);
    assert_int_equal(event_query_open(dir, &r), OK);
    assert_int_equal(event_query_get(r, 7, &emit), OK);
    assert_int_equal(event_rows_open(dir, &w), OK);
    assert_int_equal(event_rows_migrate(w), OK);
    assert_int_equal(event_query_get(r, 7, &emit), OK);
    assert_int_equal(got.status, 200);
    assert_true(got.answer_bytes == RECORD_NOT_TOLD && got.listener.n == 0);
    event_query_close(r);
    event_rows_close(w);
}

static size_t ask(struct event_reader *r, struct seen *s, const char *const *pairs, uint64_t limit)
{
    struct event_filter f;
    char next[EVENT_CURSOR_BYTES];
    const char *why = "";
    event_filter_init(&f);
    for (size_t i = 0; pairs[i]; i += 2) {
        if (event_filter_add(&f, str_of(pairs[i]), str_of(pairs[i + 1]), NOON, &why) != OK)
            fail_msg("%s=%s: %s", pairs[i], pairs[i + 1], why);
    }
    s->n = 0;
    s->stop_at = 0;
    struct event_query q = {.filter = &f, .limit = limit};
    assert_int_equal(event_query_run(r, &q, &(struct event_emit){on_record, s}, next), OK);
    event_filter_fini(&f);
    return s->n;
}

static void test_filters(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *pairs[7];
        size_t want;
    } cases[] = {
        {"all", {NULL}, 2000},
        {"one user", {"user", "user5", NULL}, 21},
        {"without case", {"user", "USER5", NULL}, 21},
        {"two users", {"user", "user5", "user", "user6", NULL}, 42},
        {"glob", {"user", "user9*", NULL}, 0},
        {"not a user", {"user", "!user5", NULL}, 1979},
        {"user and verdict", {"user", "user10", "verdict", "blocked", NULL}, 3},
        {"blocked", {"verdict", "blocked", NULL}, 200},
        {"a group", {"groups", "sales", NULL}, 1000},
        {"not a group", {"groups", "!sales", NULL}, 1000},
        {"every group", {"groups", "st*", NULL}, 2000},
        {"a category", {"categories", "ads", NULL}, 200},
        {"no category", {"categories", "", NULL}, 1800},
        {"some category", {"categories", "!", NULL}, 200},
        {"status", {"status", "403", NULL}, 200},
        {"status range", {"status", "400..499", NULL}, 200},
        {"open range", {"bytes_out", "1006..", NULL}, 0},
        {"host", {"host", "host7.example.com", NULL}, 2},
        {"host glob", {"host", "*.example.com", NULL}, 2000},
        {"url glob", {"url", "*/path/77?*", NULL}, 1},
        {"url exact", {"url", "http://host77.example.com/path/77?q=1", NULL}, 1},
        {"client", {"client", "10.0.0.7", NULL}, 10},
        {"client glob", {"client", "10.0.0.*", NULL}, 2000},
        {"rule name", {"rule_name", "no gambling", NULL}, 200},
        {"policy", {"policy_version", "1", NULL}, 2000},
        {"tls", {"tls", "none", NULL}, 2000},
        {"cache", {"cache", "hit", NULL}, 0},
        {"from", {"from", "now+10s", NULL}, 1001},
        {"to", {"to", "now+10s", NULL}, 999},
        {"both", {"from", "now+5s", "to", "now+6s", NULL}, 100},
        {"nothing", {"user", "nobody", NULL}, 0},
    };
    struct event_writer *w;
    struct event_reader *r;
    struct seen *s = calloc(1, sizeof *s);
    assert_int_equal(event_rows_open(dir, &w), OK);
    write_some(w, 1, 2000, 10);
    assert_int_equal(event_query_open(dir, &r), OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t got = ask(r, s, cases[i].pairs, 0);
        size_t want = cases[i].want;
        if (i == 4) { /* user9 and user90..user96 */
            want = 0;
            for (uint64_t id = 1; id <= 2000; id++)
                want += id % 97 == 9 || id % 97 >= 90;
        }
        if (i == 16) {
            want = 0;
            for (uint64_t id = 1; id <= 2000; id++)
                want += id % 7 == 6;
        }
        if (got != want)
            fail_msg("%s: %zu records, not %zu", cases[i].why, got, want);
        for (size_t k = 1; k < s->n; k++)
            assert_true(s->ids[k] < s->ids[k - 1]);
    }
    free(s);
    event_query_close(r);
    event_rows_close(w);
}

/* Pages over three days while new records arrive: each old record exactly once, no new one. */
static void test_cursor(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    struct seen *s = calloc(1, sizeof *s);
    char next[EVENT_CURSOR_BYTES] = "", cursor[EVENT_CURSOR_BYTES];
    uint64_t expect = 600, arriving = 601;
    assert_int_equal(event_rows_open(dir, &w), OK);
    write_some(w, 1, 600, DAY / 250); /* 250 a day */
    assert_int_equal(event_query_open(dir, &r), OK);
    do {
        memcpy(cursor, next, sizeof cursor);
        s->n = 0;
        struct event_query q = {.cursor = str_of(cursor), .limit = 7};
        assert_int_equal(event_query_run(r, &q, &(struct event_emit){on_record, s}, next), OK);
        assert_true(s->n == 7 || next[0] == '\0');
        for (size_t i = 0; i < s->n; i++)
            assert_int_equal(s->ids[i], expect--);
        write_some(w, arriving++, 1, DAY / 250);
    } while (next[0]);
    assert_int_equal(expect, 0);
    /* The other way round, stopped by the receiver, then gone on. */
    s->n = 0;
    s->stop_at = 10;
    struct event_query q = {.ascending = true};
    assert_int_equal(event_query_run(r, &q, &(struct event_emit){on_record, s}, next), OK);
    assert_int_equal(s->n, 10);
    s->stop_at = 0;
    q.cursor = str_of(next);
    char unused[EVENT_CURSOR_BYTES];
    assert_int_equal(event_query_run(r, &q, &(struct event_emit){on_record, s}, unused), OK);
    assert_int_equal(s->n, arriving - 1);
    for (size_t i = 0; i < s->n; i++)
        assert_int_equal(s->ids[i], i + 1);
    /* Exactly as many as asked for: no empty page after it. */
    s->n = 0;
    struct event_query whole = {.limit = arriving - 1};
    assert_int_equal(event_query_run(r, &whole, &(struct event_emit){on_record, s}, next), OK);
    assert_string_equal(next, "");
    static const char *const bad[] = {
        "x", "1", "1.", ".1", "1.x", "-1.5", "1.99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct event_query b = {.cursor = str_of(bad[i])};
        assert_int_equal(event_query_run(r, &b, &(struct event_emit){on_record, s}, next),
                         ERR_INVALID);
    }
    free(s);
    event_query_close(r);
    event_rows_close(w);
}

static void test_tail(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    struct seen *s = calloc(1, sizeof *s);
    uint64_t last;
    assert_int_equal(event_query_open(dir, &r), OK);
    assert_int_equal(event_query_last_id(r, &last), OK);
    assert_int_equal(last, 0);
    assert_int_equal(event_rows_open(dir, &w), OK);
    write_some(w, 1, 50, 10);
    assert_int_equal(event_query_last_id(r, &last), OK);
    assert_int_equal(last, 50);
    write_some(w, 51, 5, 10);
    struct event_tail t = {.after = last, .limit = 100};
    struct event_emit emit = {on_record, s};
    assert_int_equal(event_query_tail(r, &t, &emit, &last), OK);
    assert_int_equal(s->n, 5);
    assert_int_equal(s->ids[0], 51);
    assert_int_equal(last, 55);
    /* A number on its way from another worker holds back what is behind it, for a moment. */
    struct timespec ts;
    struct made m;
    clock_gettime(CLOCK_REALTIME, &ts);
    struct record late = make_record(57, (int64_t)ts.tv_sec * 1000, &m);
    assert_int_equal(event_rows_write(w, &(struct event_batch){&late, 1, NULL, 0}), OK);
    s->n = 0;
    t.after = last;
    assert_int_equal(event_query_tail(r, &t, &emit, &last), OK);
    assert_int_equal(s->n, 0);
    assert_int_equal(last, 55);
    late = make_record(56, (int64_t)ts.tv_sec * 1000, &m);
    assert_int_equal(event_rows_write(w, &(struct event_batch){&late, 1, NULL, 0}), OK);
    assert_int_equal(event_query_tail(r, &t, &emit, &last), OK);
    assert_int_equal(s->n, 2);
    assert_int_equal(s->ids[0], 56);
    assert_int_equal(last, 57);
    /* One that never comes does not hold for ever. */
    late = make_record(60, NOON, &m);
    assert_int_equal(event_rows_write(w, &(struct event_batch){&late, 1, NULL, 0}), OK);
    t.after = last;
    assert_int_equal(event_query_tail(r, &t, &emit, &last), OK);
    assert_int_equal(last, 60);
    free(s);
    event_query_close(r);
    event_rows_close(w);
}

/* A tunnel of two days ends in the file of its end and is found by the time of its beginning. */
static void test_long_tunnel(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    struct seen *s = calloc(1, sizeof *s);
    struct made m;
    assert_int_equal(event_rows_open(dir, &w), OK);
    write_some(w, 1, 100, 10);
    struct record tunnel = make_record(101, NOON + 5, &m);
    tunnel.duration_ms = (uint32_t)(2 * DAY);
    tunnel.tls = RECORD_TLS_TUNNEL;
    assert_int_equal(event_rows_write(w, &(struct event_batch){&tunnel, 1, NULL, 0}), OK);
    assert_int_equal(event_query_open(dir, &r), OK);
    const char *const pairs[] = {"from", "now", "to", "now+1s", NULL};
    assert_int_equal(ask(r, s, pairs, 0), 100);
    assert_int_equal(s->ids[0], 101);
    const char *const later[] = {"from", "now+1d", NULL};
    assert_int_equal(ask(r, s, later, 0), 0);
    free(s);
    event_query_close(r);
    event_rows_close(w);
}

static void test_reports(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    struct arena a;
    struct event_series s;
    struct event_top_row *rows;
    size_t n;
    arena_init(&a, 4096, 1 << 22);
    assert_int_equal(event_rows_open(dir, &w), OK);
    for (uint64_t id = 1; id <= 5000; id += 1000)
        write_some(w, id, 1000, 60000); /* one a minute: three and a half days */
    assert_int_equal(event_query_open(dir, &r), OK);
    struct event_span span = {NOON, NOON + INT64_C(5001) * 60000, 100};
    assert_int_equal(event_report_series(r, &span, &a, &s), OK);
    assert_int_equal(s.totals.requests, 5000);
    assert_int_equal(s.totals.verdicts[RECORD_BLOCKED], 500);
    assert_int_equal(s.totals.bytes_in, 5000 * 300);
    assert_int_equal(s.users, 97);
    assert_in_range(s.n, 40, 110);
    assert_in_range(s.median_ms, 16, 32);
    assert_in_range(s.percent95_ms, 40, 60);
    uint64_t all = 0;
    for (size_t i = 0; i < s.n; i++) {
        all += s.points[i].counts.requests;
        assert_int_equal(s.points[i].time_ms, s.from_ms + (int64_t)i * s.bucket_ms);
    }
    assert_int_equal(all, 5000);
    assert_int_equal(s.points[s.n / 2].counts.requests, s.bucket_ms / 60000);
    struct event_top_ask top = {span.from_ms, span.to_ms, EVENT_TOP_RULES, EVENT_BY_BLOCKED, 10};
    assert_int_equal(event_report_top(r, &top, &a, &rows, &n), OK);
    assert_int_equal(n, 1);
    assert_true(str_eq(rows[0].name, STR("r1")) && str_eq(rows[0].title, STR("No gambling")));
    assert_int_equal(rows[0].requests, 500);
    top.what = EVENT_TOP_CATEGORIES;
    top.sort = EVENT_BY_REQUESTS;
    assert_int_equal(event_report_top(r, &top, &a, &rows, &n), OK);
    assert_int_equal(n, 3);
    assert_int_equal(rows[0].name.n, 0);
    assert_int_equal(rows[0].requests, 4500);
    assert_true(str_eq(rows[1].name, STR("ads")) && rows[1].requests == 500);
    top.what = EVENT_TOP_USERS;
    top.limit = 5;
    assert_int_equal(event_report_top(r, &top, &a, &rows, &n), OK);
    assert_int_equal(n, 5);
    assert_true(rows[0].requests >= rows[4].requests && rows[0].requests == 52);
    /* A narrow window: only its hours. */
    top.from_ms = NOON;
    top.to_ms = NOON + 3600000;
    top.what = EVENT_TOP_HOSTS;
    top.limit = 1000;
    assert_int_equal(event_report_top(r, &top, &a, &rows, &n), OK);
    assert_int_equal(n, 59);
    struct event_span bad = {10, 10, 0};
    assert_int_equal(event_report_series(r, &bad, &a, &s), ERR_INVALID);
    /* A directory without any day. */
    struct event_reader *none;
    assert_int_equal(event_query_open("/nowhere", &none), OK);
    assert_int_equal(event_report_series(none, &span, &a, &s), OK);
    assert_int_equal(s.totals.requests, 0);
    assert_int_equal(s.median_ms, -1);
    event_query_close(none);
    arena_fini(&a);
    event_query_close(r);
    event_rows_close(w);
}

static void test_expire(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    unsigned removed;
    assert_int_equal(event_rows_open(dir, &w), OK);
    write_some(w, 1, 10, DAY);
    assert_int_equal(event_query_open(dir, &r), OK);
    assert_int_equal(event_rows_expire(w, 3, NOON + 10 * DAY, &removed), OK);
    assert_int_equal(removed, 6);
    struct seen *s = calloc(1, sizeof *s);
    const char *const none[] = {NULL};
    assert_int_equal(ask(r, s, none, 0), 4);
    free(s);
    event_query_close(r);
    event_rows_close(w);
}

static void overwrite(int64_t day, off_t at)
{
    char path[EVENT_DAY_PATH], junk[4096];
    memset(junk, 0x5a, sizeof junk);
    assert_int_equal(event_day_path(dir, day, path), OK);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    close(fd);
}

/* A damaged day is set aside by the writer, stepped over by the reader; the others stay readable.
 */
static void test_damaged_day(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    struct seen *s = calloc(1, sizeof *s);
    const char *const none[] = {NULL};
    assert_int_equal(event_rows_open(dir, &w), OK);
    write_some(w, 1, 10, 10);
    write_some(w, 9000000, 5, 10); /* the next day */
    event_rows_close(w);
    overwrite(20600, 0);
    assert_int_equal(event_query_open(dir, &r), OK);
    assert_int_equal(ask(r, s, none, 0), 5);
    assert_true(strlen(event_query_why(r)) > 0);
    assert_int_equal(event_rows_open(dir, &w), OK);
    write_some(w, 11, 10, 10);
    assert_int_equal(event_rows_damaged(w), 1);
    assert_int_equal(ask(r, s, none, 0), 15);
    event_query_close(r);
    event_rows_close(w);
    free(s);
}

static void test_deadline(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    struct seen *s = calloc(1, sizeof *s);
    char next[EVENT_CURSOR_BYTES];
    struct event_filter f;
    const char *why;
    assert_int_equal(event_rows_open(dir, &w), OK);
    for (uint64_t id = 1; id <= 20000; id += 5000)
        write_some(w, id, 5000, 1);
    assert_int_equal(event_query_open(dir, &r), OK);
    event_filter_init(&f);
    assert_int_equal(event_filter_add(&f, STR("host"), STR("nothing"), NOON, &why), OK);
    struct event_query q = {.filter = &f, .deadline_mono_ms = 1}; /* long past */
    assert_int_equal(event_query_run(r, &q, &(struct event_emit){on_record, s}, next), ERR_TIMEOUT);
    q.deadline_mono_ms = 0;
    assert_int_equal(event_query_run(r, &q, &(struct event_emit){on_record, s}, next), OK);
    event_filter_fini(&f);
    free(s);
    event_query_close(r);
    event_rows_close(w);
}

/* --- the search against a plain walk over all records, with filters thrown together --- */

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % sides;
}

#define MANY 4000

static struct record many[MANY];
static struct made many_texts[MANY];

static void make_many(struct event_writer *w, uint32_t *seed)
{
    static const char *const users[] = {"", "alice", "Alice", "bob", "carol", "dave"};
    for (uint32_t i = 0; i < MANY; i++) {
        /* In order of the end, with tunnels among them; users and hosts come and go by the hour. */
        /* Workers race: some numbers cross an hour, four cross midnight. */
        int64_t end = NOON + (int64_t)((i ^ 3) + 2) * 30000;
        many[i] = make_record(i + 1, end, &many_texts[i]);
        many[i].duration_ms = dice(seed, 20) == 0 ? dice(seed, 40000000) : dice(seed, 500);
        many[i].time_ms = end - many[i].duration_ms;
        many[i].user = str_of(users[(i / 240 + dice(seed, 2)) % 6]);
        snprintf(many_texts[i].host, 64, "h%u.example", (i / 500 * 3 + dice(seed, 3)) % 20);
        many[i].host = str_of(many_texts[i].host);
        many[i].verdict = (uint8_t)dice(seed, RECORD_ERROR + 1);
        many[i].rule = i / 1000 % 2 ? STR("r1") : STR("");
    }
    for (size_t at = 0; at < MANY; at += 500)
        assert_int_equal(event_rows_write(w, &(struct event_batch){&many[at], 500, NULL, 0}), OK);
}

static void random_filter(struct event_filter *f, uint32_t *seed)
{
    static const char *const pairs[][2] = {{"user", "alice"},
                                           {"user", "BOB"},
                                           {"user", ""},
                                           {"user", "!dave"},
                                           {"user", "c*"},
                                           {"host", "h3.example"},
                                           {"host", "H7.EXAMPLE"},
                                           {"host", "!h1.example"},
                                           {"host", "h1*.example"},
                                           {"rule", "r1"},
                                           {"rule", ""},
                                           {"verdict", "blocked"},
                                           {"verdict", "!error"},
                                           {"status", "400.."},
                                           {"groups", "sales"},
                                           {"url", "*7?q=1"},
                                           {"host", "nowhere"},
                                           {"user", "nobody"}};
    const char *why;
    char text[32];
    event_filter_init(f);
    for (uint32_t n = dice(seed, 4); n > 0; n--) {
        uint32_t k = dice(seed, 18);
        assert_int_equal(event_filter_add(f, str_of(pairs[k][0]), str_of(pairs[k][1]), NOON, &why),
                         OK);
    }
    for (int i = 0; i < 2; i++) {
        if (dice(seed, 2))
            continue;
        snprintf(text, sizeof text, "now+%um", dice(seed, 2200));
        assert_int_equal(event_filter_add(f, i ? STR("to") : STR("from"), str_of(text), NOON, &why),
                         OK);
    }
}

static void compare_with_walk(struct event_reader *r, const struct event_filter *f, uint32_t *seed)
{
    struct seen *s = calloc(1, sizeof *s);
    char next[EVENT_CURSOR_BYTES] = "", cursor[EVENT_CURSOR_BYTES];
    struct event_query q = {.filter = f,
                            .ascending = dice(seed, 2) == 0,
                            .limit = dice(seed, 2) ? 0 : 1 + dice(seed, 90)};
    do {
        memcpy(cursor, next, sizeof cursor);
        q.cursor = str_of(cursor);
        assert_int_equal(event_query_run(r, &q, &(struct event_emit){on_record, s}, next), OK);
    } while (next[0]);
    size_t n = 0;
    for (uint32_t i = 0; i < 3 * MANY; i++) { /* day by day, by number within a day */
        uint32_t at = q.ascending ? i : 3 * MANY - 1 - i;
        const struct record *x = &many[at % MANY];
        if (event_day_of(x) != NOON / DAY + at / MANY || !event_filter_fits(f, x))
            continue;
        if (n >= s->n || s->ids[n] != x->id)
            fail_msg("record %llu is missing", (unsigned long long)x->id);
        n++;
    }
    assert_int_equal(n, s->n);
    free(s);
}

static void test_against_walk(void **state)
{
    (void)state;
    struct event_writer *w;
    struct event_reader *r;
    uint32_t seed = 7;
    assert_int_equal(event_rows_open(dir, &w), OK);
    make_many(w, &seed);
    assert_int_equal(event_query_open(dir, &r), OK);
    for (int i = 0; i < 400; i++) {
        struct event_filter f;
        random_filter(&f, &seed);
        compare_with_walk(r, &f, &seed);
        event_filter_fini(&f);
    }
    event_query_close(r);
    event_rows_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test(test_url),
        cmocka_unit_test_setup_teardown(test_replay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_schema, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cursor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_tunnel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reports, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_day, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_against_walk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
