/* pattern_bench: what thousands of URL patterns cost: making a set of them, changing one, one scan
 * of a real URL, the peers' list generator's patterns and those people publish. No network, no
 * proxy. Prints a table and one JSON line a row. Usage: pattern_bench [DATA]: the shared data
 * folder (default ../shared/data). Read figures against others of one run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/must.h"
#include "base/url.h"
#include "policies/set_url.h"
#include "tests/bench/bench.h"

#define N_URLS     50000
#define N_PATTERNS 10000
#define N_REAL     1000
#define N_ROUNDS   5 /* changes of one pattern */

struct data {
    struct arena arena;
    struct str url[N_URLS];
    size_t n_urls;
    struct str pattern[N_PATTERNS + N_REAL];
};

static void read_urls(struct data *d, const char *folder)
{
    char text[8192];
    FILE *f = bench_open(folder, "urls-sample.txt.zst");
    must(f != NULL);
    while (d->n_urls < N_URLS && fgets(text, sizeof text, f)) {
        struct url u;
        struct str line = arena_str(&d->arena, bench_line(text));
        if (url_parse(line, &u) == OK && url_normal(&u, &d->arena, &d->url[d->n_urls]) == OK)
            d->n_urls++;
    }
    pclose(f);
}

static size_t read_patterns(struct data *d, const char *folder)
{
    char command[900], text[9000];
    size_t n = 0;
    snprintf(command, sizeof command,
             "cd '%s/regex' 2>/dev/null && cat adblock* pihole* squidguard* v2fly* | grep -v '^#'",
             folder);
    FILE *f = popen(command, "r");
    must(f != NULL);
    while (n < N_REAL && fgets(text, sizeof text, f)) {
        struct str s = bench_line(text);
        struct pattern_fault fault;
        struct pattern_code *p = NULL;
        if (s.n && pattern_code_new(s, &fault, &p) == OK)
            d->pattern[n++] = arena_str(&d->arena, s);
        pattern_code_unref(p);
    }
    pclose(f);
    return n;
}

/* --- made-up patterns, in the forms of the peers' list generator --------------------------------
 */

static struct str made_up(struct arena *a)
{
    static const char *const forms[][3] = {{"(^|[-.?+=/_0-9])", "([-.?+=/_0-9]|$)", NULL},
                                           {"/", "/(banner|ads?)[0-9]*\\.(gif|jpe?g)", NULL},
                                           {"^http://[^/]*", "[0-9]*\\.(com|net)/", NULL},
                                           {"[?&]", "=[0-9a-f]+(&|$)", NULL},
                                           {"/(", "|", ")[^/]*\\.(exe|zip|rar)$"},
                                           {"", "(s|er|ing)?[-_]?", ""}};
    struct buf b;
    buf_init(&b, 4096);
    const char *const *form = forms[bench_random(6)];
    for (int i = 0; i < 3 && form[i]; i++) {
        buf_add_z(&b, form[i]);
        if (i == 0 || (i == 1 && form[2]))
            bench_word(&b, 3);
    }
    struct str s = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return s;
}

/* --- measuring ----------------------------------------------------------------------------------
 */

static void on_fault(void *ctx, const struct set_url_fault *f)
{
    (void)ctx;
    printf("fault: %s\n", f->message);
}

static void on_hit(void *ctx, uint32_t index)
{
    size_t *n = ctx;
    (void)index;
    ++*n;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void measure(const struct data *d, const struct set_url *s, const char *name, double made_ms)
{
    static uint32_t took[N_URLS];
    size_t n_hits = 0, ways[3] = {0};
    struct set_url_scratch *x = set_url_scratch_new(s);
    must(x != NULL);
    for (size_t i = 0; i < d->n_urls; i++) {
        uint64_t t = bench_ns(CLOCK_MONOTONIC);
        set_url_match(s, x, d->url[(i * 7919) % d->n_urls], on_hit, &n_hits);
        took[i] = (uint32_t)(bench_ns(CLOCK_MONOTONIC) - t);
    }
    for (uint32_t i = 0; i < set_url_count(s); i++)
        ways[set_url_way(s, i)]++;
    qsort(took, d->n_urls, sizeof *took, by_number);
    uint32_t median = took[d->n_urls / 2], p99 = took[d->n_urls / 100 * 99];
    printf("%-20s %6zu patterns (%zu by literal, %zu by scan, %zu always)  %zu hits  median %u ns  "
           "p99 %u ns  made in %.1f ms\n",
           name, set_url_count(s), ways[0], ways[1], ways[2], n_hits, median, p99, made_ms);
    printf("{\"bench\":\"patterns\",\"set\":\"%s\",\"patterns\":%zu,\"by_literal\":%zu,\"by_scan\":"
           "%zu,\"always\":%zu,\"hits\":%zu,\"median_ns\":%u,\"p99_ns\":%u,\"made_ms\":%.2f}\n",
           name, set_url_count(s), ways[0], ways[1], ways[2], n_hits, median, p99, made_ms);
    set_url_scratch_free(x);
}

static struct set_url *made(const struct str *v, size_t n, const struct set_url *before, double *ms)
{
    const struct set_url_tell tell = {on_fault, NULL};
    struct set_url *s = NULL;
    uint64_t t = bench_ns(CLOCK_THREAD_CPUTIME_ID);
    must(set_url_new_like(v, n, before, &tell, &s) == OK);
    *ms = (double)(bench_ns(CLOCK_THREAD_CPUTIME_ID) - t) / 1e6;
    return s;
}

static void bench(struct data *d, const char *name, size_t n)
{
    double ms, worst = 0;
    struct set_url *s = made(d->pattern, n, NULL, &ms);
    measure(d, s, name, ms);
    for (int i = 0; i < N_ROUNDS; i++) {
        d->pattern[bench_random((uint32_t)n)] = made_up(&d->arena);
        struct set_url *next = made(d->pattern, n, s, &ms);
        worst = ms > worst ? ms : worst;
        set_url_free(s);
        s = next;
    }
    printf("%-20s one changed: at most %.1f ms of CPU\n", name, worst);
    printf("{\"bench\":\"pattern-change\",\"set\":\"%s\",\"patterns\":%zu,\"worst_ms\":%.2f}\n",
           name, n, worst);
    set_url_free(s);
}

int main(int argc, char **argv)
{
    static struct data d;
    const char *folder = argc > 1 ? argv[1] : "../shared/data";
    arena_init(&d.arena, 1 << 20, (size_t)1 << 28);
    read_urls(&d, folder);
    if (d.n_urls == 0) {
        printf("skipped: no data in %s\n", folder);
        return 0;
    }
    for (size_t i = 0; i < N_PATTERNS; i++)
        d.pattern[i] = made_up(&d.arena);
    bench(&d, "generated-100", 100);
    bench(&d, "generated-10000", N_PATTERNS);
    size_t n = read_patterns(&d, folder);
    bench(&d, "published", n);
    memmove(d.pattern + n, d.pattern, n * sizeof d.pattern[0]);
    for (size_t i = n; i < N_PATTERNS + n; i++)
        d.pattern[i] = made_up(&d.arena);
    bench(&d, "both", N_PATTERNS + n);
    arena_fini(&d.arena);
    return 0;
}
