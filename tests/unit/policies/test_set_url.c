/* Sets of patterns: the same answers as each pattern alone, faults with their places, bounded runs.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "policies/set_url.h"
#include "policies/costly_patterns.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COSTLY_MOST_US 30000
#else
#define COSTLY_MOST_US 2500
#endif

#define MANY 2000

struct told {
    size_t index[16], offset[16];
    unsigned n;
};

static void on_fault(void *ctx, const struct set_url_fault *f)
{
    struct told *t = ctx;
    assert_true(t->n < 16 && f->message[0] != '\0');
    t->index[t->n] = f->index;
    t->offset[t->n++] = f->offset;
}

static void on_hit(void *ctx, uint32_t index)
{
    unsigned *n = ctx;
    n[index]++;
}

static struct set_url *made(const struct str *patterns, size_t n)
{
    struct told t = {.n = 0};
    struct set_url *s = NULL;
    assert_int_equal(set_url_new(patterns, n, on_fault, &t, &s), OK);
    assert_int_equal(t.n, 0);
    return s;
}

static void faults_have_places(void **state)
{
    (void)state;
    const struct str patterns[] = {
        STR("fine"),  STR("("),       STR("a{2,1}"),         STR("also fine"), STR("[z-a]"),
        STR("x\\Cy"), STR("(*UTF)x"), STR("(?<n>a)(?<n>b)"), STR("ok(?i)ok"),  STR("a(?#no end")};
    static const size_t bad[] = {1, 2, 4, 5, 6, 7, 9};
    struct told t = {.n = 0};
    struct set_url *s = NULL;
    assert_int_equal(set_url_new(patterns, 10, on_fault, &t, &s), ERR_INVALID);
    assert_null(s);
    assert_int_equal(t.n, sizeof bad / sizeof bad[0]);
    for (unsigned i = 0; i < t.n; i++) {
        assert_int_equal(t.index[i], bad[i]);
        assert_true(t.offset[i] <= patterns[t.index[i]].n);
    }
    char *large = calloc(1, SET_URL_PATTERN_MAX + 1);
    assert_non_null(large);
    memset(large, 'a', SET_URL_PATTERN_MAX + 1);
    struct str one = str_make(large, SET_URL_PATTERN_MAX + 1);
    t.n = 0;
    assert_int_equal(set_url_new(&one, 1, on_fault, &t, &s), ERR_INVALID);
    assert_int_equal(t.n, 1);
    free(large);
}

static void meaning_is_pcre2s(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool want;
    } rows[] = {
        {"CASINO", "http://a/casino", true},
        {"^http://a/$", "http://a/", true},
        {"^http://a/$", "http://a/x", false},
        {"(?<!no)bad", "nobad", false},
        {"(?<!no)bad", "sobad", true},
        {"(\\w)\\1\\1", "xaaay", true},
        {"(\\w)\\1\\1", "xaabay", false},
        {"(?=.*foo)(?=.*bar)^", "barfoo", true},
        {"(?=.*foo)(?=.*bar)^", "barfo", false},
        {"a++b", "aaab", true},
        {"(?>a+)ab", "aaab", false},
        {"\\bads?\\b", "x/ad/y", true},
        {"\\bads?\\b", "x/bad/y", false},
        {"x*", "", true},
        {"(?-i)Case", "case", false},
        {"(?-i)Case", "Case", true},
        {"a\\Kb", "ab", true},
        {"(?(?=a)ab|cd)", "cd", true},
        {"^(?:(a)|b)(?(1)c|d)$", "bd", true},
        {"^(?:(a)|b)(?(1)c|d)$", "bc", false},
        {"\\.(com|net)(:[0-9]+)?/", "http://x.NET:81/", true},
        {"foo.*^bar", "foobar", false},
        {"\\xff", "\xff", true},
    };
    enum { N = sizeof rows / sizeof rows[0] };
    struct str patterns[N];
    unsigned n_hits[N];
    for (size_t i = 0; i < N; i++)
        patterns[i] = str_of(rows[i].pattern);
    struct set_url *s = made(patterns, N);
    struct set_url_scratch *x = set_url_scratch_new(s);
    assert_non_null(x);
    for (size_t i = 0; i < N; i++) {
        memset(n_hits, 0, sizeof n_hits);
        set_url_match(s, x, str_of(rows[i].text), on_hit, n_hits);
        if (n_hits[i] != rows[i].want)
            print_message("%s on %s\n", rows[i].pattern, rows[i].text);
        assert_int_equal(n_hits[i], rows[i].want); /* once, not twice */
    }
    assert_int_equal(set_url_n_limited(s), 0);
    set_url_scratch_free(x);
    set_url_free(s);
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

#define COSTLY (sizeof costly_patterns / sizeof *costly_patterns)

/* The text that shows what a pattern costs, some thousand bytes of it. */
static struct str costly_text(const struct costly_pattern *c, struct buf *b)
{
    buf_clear(b);
    buf_add_z(b, c->prefix);
    while (b->n < 3000)
        buf_add_z(b, c->pump);
    buf_add_z(b, c->suffix);
    return buf_str(b);
}

/* All the costly ones in one set, as an imported list may bring them: together they take no more of
 * a worker's time than a few of them alone. */
static void costly_patterns_share_one_bound(void **state)
{
    (void)state;
    struct str patterns[COSTLY];
    unsigned n_hits[COSTLY] = {0};
    uint64_t worst = 0;
    struct buf text;
    buf_init(&text, 8192);
    for (size_t i = 0; i < COSTLY; i++)
        patterns[i] = str_of(costly_patterns[i].pattern);
    struct set_url *s = made(patterns, COSTLY);
    struct set_url_scratch *x = set_url_scratch_new(s);
    assert_non_null(x);
    for (size_t i = 0; i < COSTLY; i++) {
        struct str t = costly_text(&costly_patterns[i], &text);
        uint64_t best = UINT64_MAX;
        for (int k = 0; k < 4; k++) { /* the first compiles what watches them */
            uint64_t began = now_us();
            set_url_match(s, x, t, on_hit, n_hits);
            uint64_t took = now_us() - began;
            best = took < best ? took : best;
        }
        worst = best > worst ? best : worst;
    }
    print_message("%zu patterns, at most %llu us a text, %llu given up\n", COSTLY,
                  (unsigned long long)worst, (unsigned long long)set_url_n_limited(s));
    assert_true(set_url_n_limited(s) > COSTLY);
    assert_true(worst < COSTLY_MOST_US);
    set_url_scratch_free(x);
    set_url_free(s);
    buf_fini(&text);
}

/* Patterns that would run for years: ended by the limit, counted, and the others still answer. */
static void catastrophic_patterns_end(void **state)
{
    (void)state;
    const struct str patterns[] = {STR("(a+)+$"),
                                   STR("(a|aa)+$"),
                                   STR("(a|a?)+$"),
                                   STR("(.*a){20}$"),
                                   STR("^(([a-z])+.)+[A-Z]([a-z])+$"),
                                   STR("(x+x+)+y"),
                                   STR("([a-zA-Z]+)*$"),
                                   STR("aaaa")};
    char text[4001];
    unsigned n_hits[8] = {0};
    memset(text, 'a', 4000);
    memset(text + 2000, 'x', 1900);
    text[3999] = '!';
    text[4000] = '\0';
    struct set_url *s = made(patterns, 8);
    struct set_url_scratch *x = set_url_scratch_new(s);
    assert_non_null(x);
    uint64_t t = now_us();
    set_url_match(s, x, str_of(text), on_hit, n_hits);
    uint64_t took = now_us() - t;
    print_message("%llu us, %llu ended by a limit\n", (unsigned long long)took,
                  (unsigned long long)set_url_n_limited(s));
    assert_true(took < 20000); /* of CPU; without the limits it is many times that */
    assert_true(set_url_n_limited(s) >= 1);
    assert_int_equal(n_hits[7], 1);
    assert_int_equal(n_hits[0], 0);
    set_url_scratch_free(x);
    set_url_free(s);
}

/* --- the patterns people have, on real URLs ------------------------------------------------------
 */

static size_t read_lines(const char *command, struct arena *a, struct str *out, size_t most)
{
    char line[9000];
    size_t n = 0;
    FILE *f = popen(command, "r");
    while (f && n < most && fgets(line, sizeof line, f)) {
        struct str s = str_make(line, strcspn(line, "\r\n"));
        if (s.n)
            out[n++] = arena_str(a, s);
    }
    if (f)
        pclose(f);
    return n;
}

static pcre2_code *alone(struct str pattern)
{
    int code;
    PCRE2_SIZE at;
    if (pattern.n > SET_URL_PATTERN_MAX)
        return NULL;
    return pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
                         PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF, &code, &at,
                         NULL);
}

static void real_patterns_answer_as_each_alone(void **state)
{
    (void)state;
    static struct str patterns[MANY], urls[MANY];
    static pcre2_code *code[MANY];
    struct arena a;
    arena_init(&a, 65536, 1 << 24);
    size_t n_lines = read_lines("cd ../shared/data/regex 2>/dev/null && cat adblock* pihole* "
                                "squidguard* v2fly* | grep -v '^#'",
                                &a, patterns, MANY);
    size_t n_urls = read_lines("test -r ../shared/data/urls-sample.txt.zst && zstd -dc --long=27 "
                               "../shared/data/urls-sample.txt.zst 2>/dev/null | head -n 1500",
                               &a, urls, MANY);
    size_t n = 0, n_hits = 0;
    for (size_t i = 0; i < n_lines; i++) {
        code[n] = alone(patterns[i]);
        if (code[n])
            patterns[n++] = patterns[i];
    }
    if (n == 0 || n_urls == 0) {
        arena_fini(&a);
        print_message("skipped: no ../shared/data beside the project\n");
        skip();
    }
    struct set_url *s = made(patterns, n);
    struct set_url_scratch *x = set_url_scratch_new(s);
    pcre2_match_data *m = pcre2_match_data_create(1, NULL);
    unsigned *got = calloc(n, sizeof *got);
    assert_true(x && m && got);
    for (size_t u = 0; u < n_urls; u++) {
        memset(got, 0, n * sizeof *got);
        set_url_match(s, x, urls[u], on_hit, got);
        for (size_t i = 0; i < n; i++) {
            unsigned want =
                pcre2_match(code[i], (PCRE2_SPTR)urls[u].p, urls[u].n, 0, 0, m, NULL) >= 0;
            if (got[i] != want)
                print_message("%.*s on %.*s\n", STR_ARG(patterns[i]), STR_ARG(urls[u]));
            assert_int_equal(got[i], want);
            n_hits += want;
        }
    }
    print_message("%zu patterns, %zu urls, %zu hits, %llu limited\n", n, n_urls, n_hits,
                  (unsigned long long)set_url_n_limited(s));
    assert_true(n > 300 && n_hits > 100);
    for (size_t i = 0; i < n; i++)
        pcre2_code_free(code[i]);
    free(got);
    pcre2_match_data_free(m);
    set_url_scratch_free(x);
    set_url_free(s);
    arena_fini(&a);
}

/* One hit at any place of texts of any length, by patterns without a literal of three bytes. */
static void no_place_is_missed(void **state)
{
    (void)state;
    static const char *const rows[] = {"ab|c", "[x-z]b|c|de", "c$|ab", "(?:q|c)-?", "c[^a]|c$|ca"};
    enum { N = sizeof rows / sizeof rows[0] };
    struct str patterns[N];
    char text[200];
    unsigned n_hits[N];
    for (size_t i = 0; i < N; i++)
        patterns[i] = str_of(rows[i]);
    struct set_url *s = made(patterns, N);
    struct set_url_scratch *x = set_url_scratch_new(s);
    assert_non_null(x);
    for (size_t n = 1; n < sizeof text; n++)
        for (size_t at = 0; at < n; at++) {
            memset(text, '-', n);
            text[at] = 'c';
            memset(n_hits, 0, sizeof n_hits);
            set_url_match(s, x, str_make(text, n), on_hit, n_hits);
            for (size_t i = 0; i < N; i++)
                if (n_hits[i] != (i == 2 ? at == n - 1 : 1))
                    fail_msg("%s: %u at %zu of %zu", rows[i], n_hits[i], at, n);
        }
    set_url_scratch_free(x);
    set_url_free(s);
}

/* A set made after another shares what both hold, by literal and by scan, and answers for what is
 * new; what is gone no longer answers. */
static void the_next_set_shares(void **state)
{
    (void)state;
    enum { N = 600 };
    static char text[N][40];
    static struct str patterns[N];
    unsigned n_hits[N];
    struct set_url *next = NULL;
    const struct set_url_tell tell = {on_fault, NULL};
    for (size_t i = 0; i < N; i++) { /* every other one has nothing fixed in it */
        snprintf(text[i], sizeof text[i], i % 2 ? "/word%zuword/" : "[a-m]{3}[0-9]{%zu}$", i);
        patterns[i] = str_of(text[i]);
    }
    struct set_url *s = made(patterns, N);
    patterns[1] = STR("/another/");
    patterns[2] = STR("[n-z]{4}$");
    for (size_t i = 3; i < 6; i++) { /* other numbers as well */
        struct str t = patterns[i];
        patterns[i] = patterns[N - i];
        patterns[N - i] = t;
    }
    assert_int_equal(set_url_new_like(patterns, N, s, &tell, &next), OK);
    assert_ptr_equal(set_url_code(s, 7), set_url_code(next, 7));
    assert_ptr_equal(set_url_code(s, 3), set_url_code(next, N - 3));
    assert_ptr_not_equal(set_url_code(s, 1), set_url_code(next, 1));
    set_url_free(s);
    struct set_url_scratch *x = set_url_scratch_new(next);
    assert_non_null(x);
    static const struct {
        const char *text;
        int hit; /* -1: none */
    } rows[] = {{"http://a/word1word/", -1}, {"http://a/another/", 1},
                {"http://a/xyzz", 2},        {"http://a/b/abc12", -1},
                {"http://a/word7word/", 7},  {"http://a/word3word/", N - 3},
                {"http://a/word597word/", 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned sum = 0;
        memset(n_hits, 0, sizeof n_hits);
        set_url_match(next, x, str_of(rows[i].text), on_hit, n_hits);
        for (size_t k = 0; k < N; k++)
            sum += n_hits[k];
        assert_int_equal(sum, rows[i].hit >= 0);
        assert_true(rows[i].hit < 0 || n_hits[rows[i].hit] == 1);
    }
    set_url_scratch_free(x);
    set_url_free(next);
}

static void globs(void **state)
{
    (void)state;
    static const struct {
        const char *glob, *want;
    } rows[] = {{"curl", "curl"},
                {"a*b", "a.*b"},
                {"1.2 (x)", "1\\.2 \\(x\\)"},
                {"[a]+?", "\\[a\\]\\+\\?"},
                {"", ""}};
    char out[100];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = set_url_from_glob(str_of(rows[i].glob), out, sizeof out);
        assert_true(str_eq(str_make(out, n), str_of(rows[i].want)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_have_places),
        cmocka_unit_test(meaning_is_pcre2s),
        cmocka_unit_test(catastrophic_patterns_end),
        cmocka_unit_test(costly_patterns_share_one_bound),
        cmocka_unit_test(real_patterns_answer_as_each_alone),
        cmocka_unit_test(no_place_is_missed),
        cmocka_unit_test(the_next_set_shares),
        cmocka_unit_test(globs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
