/* The tables requests.cases and responses.cases against the parser: each case whole, then cut at
 * every position (long ones at every position near their ends), in a buffer that moves between the
 * calls; the answer must be the same. What is accepted is written as it would go on and compared
 * byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxyd/wire/http_body.h"
#include "proxyd/wire/http_write.h"

struct macro {
    const char *key, *text;
};
#define O_HOST "Host: origin.test:8080\r\n"
#define O_ABS  "http://origin.test:8080"
static const struct macro request_macros[] = {
    {"$A", O_ABS},
    {"$H", O_HOST},
    {"$G", "GET " O_ABS "/ HTTP/1.1\r\n" O_HOST},
    {"$P", "POST " O_ABS "/ HTTP/1.1\r\n" O_HOST},
    {"$C", "POST " O_ABS "/ HTTP/1.1\r\n" O_HOST "Transfer-Encoding: chunked\r\n\r\n"},
    {"$g", "GET / HTTP/1.1\r\n" O_HOST},
    {"$p", "POST / HTTP/1.1\r\n" O_HOST},
    {"$c", "POST / HTTP/1.1\r\n" O_HOST "Transfer-Encoding: chunked\r\n\r\n"},
    {NULL, NULL},
};
static const struct macro response_macros[] = {
    {"$O", "HTTP/1.1 200 OK\r\n"},
    {"$c", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {NULL, NULL},
};

/* --- reading the tables ----------------------------------------------------------------------- */

static void expand(struct str s, const struct macro *macros, struct buf *out);

static size_t expand_escape(struct str s, struct buf *out)
{
    static const char from[] = "rnt0\\", to[] = "\r\n\t\0\\";
    if (s.n >= 4 && s.p[1] == 'x') {
        char digits[3] = {s.p[2], s.p[3], '\0'};
        buf_add_c(out, (char)strtoul(digits, NULL, 16));
        return 4;
    }
    const char *hit = s.n >= 2 ? memchr(from, s.p[1], sizeof from - 1) : NULL;
    if (!hit)
        fail_msg("escape in the table: %.*s", STR_ARG(s));
    buf_add_c(out, to[hit - from]);
    return 2;
}

/* ${text*N}; braces may nest. */
static size_t expand_repeat(struct str s, const struct macro *macros, struct buf *out)
{
    size_t depth = 0, end = 1;
    do {
        depth += s.p[end] == '{';
        depth -= s.p[end] == '}';
        end++;
    } while (depth && end < s.n);
    struct str inner = str_sub(s, 2, end - 1);
    size_t star = str_rfind(inner, '*');
    uint64_t n = 0;
    assert_int_equal(str_to_u64(str_sub(inner, star + 1, inner.n), 1000000, &n), OK);
    for (uint64_t i = 0; i < n; i++)
        expand(str_sub(inner, 0, star), macros, out);
    return end;
}

static size_t expand_macro(struct str s, const struct macro *macros, struct buf *out)
{
    for (const struct macro *m = macros; m->key; m++) {
        if (!str_starts(s, str_of(m->key)))
            continue;
        buf_add_z(out, m->text);
        return strlen(m->key);
    }
    buf_add_c(out, '$');
    return 1;
}

static void expand(struct str s, const struct macro *macros, struct buf *out)
{
    for (size_t i = 0; i < s.n;) {
        struct str rest = str_sub(s, i, s.n);
        if (s.p[i] == '\\')
            i += expand_escape(rest, out);
        else if (str_starts(rest, STR("${")))
            i += expand_repeat(rest, macros, out);
        else if (s.p[i] == '$')
            i += expand_macro(rest, macros, out);
        else {
            buf_add_c(out, s.p[i]);
            i++;
        }
    }
}

struct row {
    struct str section, want, why, method;
    struct buf input, output;
    bool has_output;
};

static struct str column(struct str *line)
{
    struct str mark = STR(" :: ");
    size_t at = str_find_str(*line, mark);
    struct str part = at == STR_NPOS ? *line : str_sub(*line, 0, at);
    *line = at == STR_NPOS ? str_sub(*line, line->n, line->n) : str_sub(*line, at + 4, line->n);
    return part;
}

/* Rows that did not give what they want; all are shown before the test fails. */
static size_t bad_rows;

#define BAD(...) (bad_rows++, print_error(__VA_ARGS__))

typedef void row_fn(const struct row *row);

static void each_row(const char *path, bool is_response, row_fn *fn, size_t at_least)
{
    bad_rows = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("no %s: run from the root of the project", path);
    char *text = NULL;
    size_t cap = 0, n = 0;
    const struct macro *macros = is_response ? response_macros : request_macros;
    for (ssize_t got; (got = getline(&text, &cap, f)) > 0;) {
        struct str line = str_make(text, (size_t)got);
        if (line.p[line.n - 1] == '\n')
            line.n--;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        struct row row = {0};
        row.section = column(&line);
        row.want = column(&line);
        row.why = column(&line);
        if (is_response)
            row.method = column(&line);
        buf_init(&row.input, 1 << 22);
        buf_init(&row.output, 1 << 22);
        expand(column(&line), macros, &row.input);
        row.has_output = line.n > 0;
        expand(line, macros, &row.output);
        assert_false(row.input.failed || row.output.failed);
        fn(&row);
        buf_fini(&row.input);
        buf_fini(&row.output);
        n++;
    }
    free(text);
    fclose(f);
    printf("%zu rows of %s\n", n, path);
    assert_int_equal(bad_rows, 0);
    if (n < at_least)
        fail_msg("%s has only %zu rows", path, n);
}

/* --- feeding ---------------------------------------------------------------------------------- */

/* Bytes arrive up to `have`; the buffer is a fresh heap block of just that size each time. */
struct feed {
    struct str all;
    size_t have; /* bytes that came */
    size_t done; /* bytes used up by whole messages */
    size_t cut;  /* arrive up to here first; then byte by byte when `drip`, or all at once */
    bool drip;
    char *copy;
};

static bool feed_more(struct feed *f)
{
    if (f->have == f->all.n)
        return false;
    f->have = f->have < f->cut ? f->cut : f->drip ? f->have + 1 : f->all.n;
    return true;
}

static struct str feed_view(struct feed *f)
{
    size_t n = f->have - f->done;
    free(f->copy);
    f->copy = malloc(n ? n : 1);
    assert_non_null(f->copy);
    if (n)
        memcpy(f->copy, f->all.p + f->done, n);
    return str_make(f->copy, n);
}

static enum err feed_head(struct feed *f, struct http_head *h, struct http_refusal *why)
{
    for (;;) {
        enum err e = http_head_parse(h, feed_view(f), why);
        if (e != ERR_AGAIN)
            return e;
        if (!feed_more(f))
            return ERR_AGAIN;
    }
}

static enum err feed_body(struct feed *f, struct http_body *b, struct buf *out,
                          struct http_refusal *why)
{
    for (;;) {
        size_t n;
        struct str view = feed_view(f);
        enum err e = http_body_take(b, view, &n, why);
        buf_add(out, str_sub(view, 0, n));
        f->done += n;
        if (e != ERR_AGAIN)
            return e;
        if (!feed_more(f))
            return ERR_AGAIN;
    }
}

/* --- requests --------------------------------------------------------------------------------- */

/* All requests of the input; the answer in words, what would go upstream in out. */
static void run_requests(struct feed *f, char *word, size_t room, struct buf *out)
{
    static struct http_head h;
    static const struct http_forward how = {0};
    struct http_refusal why = {0, NULL};
    size_t n = 0;
    enum err e = OK;
    do {
        struct http_body b;
        http_head_init_request(&h, NULL);
        e = feed_head(f, &h, &why);
        if (e != OK)
            break;
        n++;
        assert_int_equal(http_write_request(&h, &how, out), OK);
        http_body_of_request(&h, &b);
        f->done += h.n_bytes;
        e = feed_body(f, &b, out, &why);
    } while (e == OK && (f->done < f->have || feed_more(f)));
    if (e == ERR_INVALID)
        snprintf(word, room, "%u %s", why.status, why.reason);
    else
        snprintf(word, room, "%s", e == ERR_AGAIN ? "more" : n > 1 ? "ok+" : "ok");
}

static void check_request(const struct row *row, size_t cut, bool drip)
{
    struct feed f = {.all = buf_str(&row->input), .cut = cut, .drip = drip};
    char word[100];
    struct buf out;
    buf_init(&out, 1 << 23);
    run_requests(&f, word, sizeof word, &out);
    struct str want = str_eq(row->want, STR("local")) ? STR("ok") : row->want;
    if (!str_eq(str_of(word), want))
        BAD("%.*s %.*s (cut at %zu): %s, not %.*s\n", STR_ARG(row->section), STR_ARG(row->why), cut,
            word, STR_ARG(row->want));
    if (row->has_output && !str_eq(buf_str(&out), buf_str(&row->output)))
        BAD("%.*s %.*s (cut at %zu): goes on as\n%.*s, not\n%.*s\n", STR_ARG(row->section),
            STR_ARG(row->why), cut, STR_ARG(buf_str(&out)), STR_ARG(buf_str(&row->output)));
    buf_fini(&out);
    free(f.copy);
}

static void request_whole(const struct row *row)
{
    check_request(row, row->input.n, false);
}

typedef void check_fn(const struct row *row, size_t cut, bool drip);

/* Every cut of short inputs, the first and last of long ones; short ones byte by byte as well. */
static void all_cuts(const struct row *row, check_fn *check)
{
    const size_t most = 4096, edge = 80;
    size_t n = row->input.n;
    for (size_t cut = 0; cut < n; cut++)
        if (n <= most || cut < edge || cut > n - edge)
            check(row, cut, false);
    if (n <= 2 * most)
        check(row, 0, true);
}

static void request_cut(const struct row *row)
{
    all_cuts(row, check_request);
}

static void test_requests(void **state)
{
    (void)state;
    each_row("tests/unit/wire/requests.cases", false, request_whole, 250);
}

static void test_requests_cut(void **state)
{
    (void)state;
    each_row("tests/unit/wire/requests.cases", false, request_cut, 250);
}

/* --- responses -------------------------------------------------------------------------------- */

static const char *framing_word(const struct http_body *b)
{
    switch (b->framing) {
    case HTTP_BODY_NONE: return "none";
    case HTTP_BODY_LENGTH: return "length";
    case HTTP_BODY_CHUNKED: return "chunked";
    case HTTP_BODY_CLOSE: return "close";
    case HTTP_BODY_TUNNEL: return "tunnel";
    }
    return "?";
}

static const char *run_response(struct feed *f, enum http_method method, struct buf *out,
                                struct http_refusal *why)
{
    static struct http_head h;
    static const struct http_forward how = {0};
    struct http_body b;
    enum err e;
    do {
        http_head_init_response(&h, NULL);
        e = feed_head(f, &h, why);
        if (e == OK)
            e = http_body_of_response(&h, method, &b, why);
        if (e != OK)
            return e == ERR_AGAIN ? "cut" : "refused";
        f->done += h.n_bytes;
    } while (h.status < 200 && h.status != 101);
    assert_int_equal(http_write_response(&h, &how, out), OK);
    e = feed_body(f, &b, out, why);
    if (e == ERR_INVALID)
        return "refused";
    if (e == ERR_AGAIN && http_body_eof(&b) != OK)
        return "cut";
    if (f->done < f->have || feed_more(f))
        return "surplus";
    return framing_word(&b);
}

static void check_response(const struct row *row, size_t cut, bool drip)
{
    struct feed f = {.all = buf_str(&row->input), .cut = cut, .drip = drip};
    struct http_refusal why = {0, NULL};
    struct buf out;
    buf_init(&out, 1 << 23);
    enum http_method method = str_eq(row->method, STR("HEAD")) ? HTTP_HEAD : HTTP_GET;
    const char *got = run_response(&f, method, &out, &why);
    char word[100];
    if (strcmp(got, "refused") == 0)
        snprintf(word, sizeof word, "%u %s", why.status, why.reason);
    else
        snprintf(word, sizeof word, "%s", got);
    if (!str_eq(str_of(word), row->want))
        BAD("%.*s %.*s (cut at %zu): %s, not %.*s\n", STR_ARG(row->section), STR_ARG(row->why), cut,
            word, STR_ARG(row->want));
    if (row->has_output && !str_eq(buf_str(&out), buf_str(&row->output)))
        BAD("%.*s %.*s (cut at %zu): goes on as\n%.*s, not\n%.*s\n", STR_ARG(row->section),
            STR_ARG(row->why), cut, STR_ARG(buf_str(&out)), STR_ARG(buf_str(&row->output)));
    buf_fini(&out);
    free(f.copy);
}

static void response_whole(const struct row *row)
{
    check_response(row, row->input.n, false);
}

static void response_cut(const struct row *row)
{
    all_cuts(row, check_response);
}

static void test_responses(void **state)
{
    (void)state;
    each_row("tests/unit/wire/responses.cases", true, response_whole, 80);
}

static void test_responses_cut(void **state)
{
    (void)state;
    each_row("tests/unit/wire/responses.cases", true, response_cut, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_requests_cut),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_responses_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
