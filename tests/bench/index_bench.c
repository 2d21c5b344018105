/* index_bench: what the index of all shared lists costs: build, size, open, and look-ups as traffic
 * makes them: the 100,000 most popular names drawn by rank (Zipf) and evenly, a million registered
 * names, and names below those that are in no list, evenly. Each name lies in the cache before its
 * look-up, as a parsed request's does; the index does not, other than by what was asked before.
 * Times are per call, the clock's own cost taken off. Usage: index_bench [DATA]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mapfile.h"
#include "base/must.h"
#include "policies/category.h"
#include "tests/bench/bench.h"

#define N_RANKED  100000  /* names at the head of the file that have a rank */
#define N_NAMES   1000000 /* of popular-domains */
#define N_LOOKUPS 1000000

struct bench {
    const char *folder;
    char category[BENCH_CATEGORIES][64];
    uint32_t n_categories;
    struct arena names;
    struct str *name;
    uint32_t n_names;
    char path[64]; /* of the index */
    struct category_index *index;
    struct set_domain_stats stats;
    uint64_t rng;
};

static void read_names(struct bench *b)
{
    char text[1024];
    FILE *f = bench_open(b->folder, "popular-domains.txt.zst");
    b->name = calloc(N_NAMES, sizeof *b->name);
    arena_init(&b->names, 1u << 20, 1u << 30);
    must(f != NULL && b->name != NULL);
    while (b->n_names < N_NAMES && fgets(text, sizeof text, f))
        b->name[b->n_names++] = arena_str(&b->names, bench_line(text));
    pclose(f);
}

static enum err write_file(void *ctx, struct str bytes)
{
    return fwrite(bytes.p, 1, bytes.n, ctx) == bytes.n ? OK : ERR_IO;
}

static void add_list(struct set_domain_builder *x, FILE *f, uint32_t c, uint64_t *cpu_ns)
{
    static char text[1 << 20];
    size_t n, kept = 0;
    while (f && (n = fread(text + kept, 1, sizeof text - kept, f)) > 0) {
        uint64_t t = bench_ns(CLOCK_PROCESS_CPUTIME_ID);
        struct str rest = str_make(text, kept + n);
        for (size_t at; (at = str_find(rest, '\n')) != STR_NPOS;) {
            must(set_domain_builder_add(x, c, SET_DOMAIN_NAME, str_sub(rest, 0, at)) == OK);
            rest = str_sub(rest, at + 1, rest.n);
        }
        kept = rest.n;
        memmove(text, rest.p, rest.n);
        *cpu_ns += bench_ns(CLOCK_PROCESS_CPUTIME_ID) - t;
    }
    if (f)
        pclose(f);
}

static void build(struct bench *b)
{
    struct str names[1000];
    struct set_domain_builder *x;
    struct rusage use;
    uint64_t cpu = 0, t;
    for (uint32_t i = 0; i < b->n_categories; i++)
        names[i] = str_of(b->category[i]);
    must(set_domain_builder_new(names, b->n_categories, &x) == OK);
    for (uint32_t c = 0; c < b->n_categories; c++) {
        add_list(x, bench_open_list(b->folder, b->category[c]), c, &cpu);
    }
    snprintf(b->path, sizeof b->path, "/tmp/index-bench-XXXXXX");
    FILE *f = fdopen(mkstemp(b->path), "w");
    must(f != NULL);
    t = bench_ns(CLOCK_PROCESS_CPUTIME_ID);
    must(set_domain_builder_finish(x, write_file, f, &b->stats) == OK && fclose(f) == 0);
    cpu += bench_ns(CLOCK_PROCESS_CPUTIME_ID) - t;
    set_domain_builder_free(x);
    getrusage(RUSAGE_SELF, &use);
    printf("{\"bench\":\"index-build\",\"entries\":%llu,\"names\":%llu,\"bytes_per_name\":%.2f,"
           "\"cpu_s\":%.2f,\"peak_mib\":%ld}\n",
           (unsigned long long)b->stats.n_memberships, (unsigned long long)b->stats.n_keys,
           (double)b->stats.n_bytes / (double)b->stats.n_keys, (double)cpu / 1e9,
           use.ru_maxrss / 1024);
}

static void open_it(struct bench *b, struct mapfile *m)
{
    uint64_t t = bench_ns(CLOCK_MONOTONIC);
    must(mapfile_open(m, b->path) == OK);
    must(category_index_open(str_make(m->p, m->n), NULL, NULL, &b->index) == OK);
    printf("{\"bench\":\"index-open\",\"ms\":%.2f}\n",
           (double)(bench_ns(CLOCK_MONOTONIC) - t) / 1e6);
}

static uint32_t draw(struct bench *b, uint32_t below)
{
    b->rng = b->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((b->rng >> 33) * below >> 31);
}

/* Ranks by weight 1/rank: a uniform draw of the logarithm, by doubling steps. */
static uint32_t draw_rank(struct bench *b, uint32_t n)
{
    uint32_t octaves = 31 - (uint32_t)__builtin_clz(n), o = draw(b, octaves), from = 1u << o;
    return from - 1 + draw(b, from);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

enum order { BY_RANK, SCATTERED, ANY, UNLISTED };

static size_t put(char host[300], const char *front, struct str name)
{
    return (size_t)snprintf(host, 300, "%s%.*s", front, STR_ARG(name));
}

static size_t next_host(struct bench *b, enum order o, char host[300])
{
    static const char *const front[] = {"www.", "api.", "cdn-q7.", "mail."};
    if (o == BY_RANK)
        return put(host, "", b->name[draw_rank(b, N_RANKED)]);
    if (o == SCATTERED)
        return put(host, "", b->name[draw(b, N_RANKED)]);
    return put(host, o == UNLISTED ? front[draw(b, 4)] : "", b->name[draw(b, b->n_names)]);
}

static void ask(struct bench *b, enum order o, const char *what)
{
    uint32_t *took = calloc(N_LOOKUPS, sizeof *took), clock = bench_clock_cost();
    struct set_domain_hits h;
    char host[300];
    size_t hits = 0;
    uint64_t sum = 0;
    must(took != NULL);
    for (size_t i = 0; i < N_LOOKUPS; i++) {
        struct category_ask a = {.host = str_make(host, next_host(b, o, host))};
        uint64_t t = bench_ns(CLOCK_MONOTONIC);
        category_host(b->index, &a, &h);
        uint64_t e = bench_ns(CLOCK_MONOTONIC) - t;
        took[i] = e > clock ? (uint32_t)(e - clock) : 0;
        sum += took[i];
        hits += h.n > 0;
    }
    qsort(took, N_LOOKUPS, sizeof *took, by_number);
    printf(
        "{\"bench\":\"index-lookup\",\"names\":\"%s\",\"asked\":%d,\"hits\":%zu,\"median_ns\":%u,"
        "\"p90_ns\":%u,\"p99_ns\":%u,\"mean_ns\":%llu}\n",
        what, N_LOOKUPS, hits, took[N_LOOKUPS / 2], took[N_LOOKUPS / 10 * 9],
        took[N_LOOKUPS / 100 * 99], (unsigned long long)(sum / N_LOOKUPS));
    free(took);
}

int main(int argc, char **argv)
{
    static struct bench b = {.rng = 1};
    struct mapfile m;
    b.folder = argc > 1 ? argv[1] : "../shared/data";
    b.n_categories = bench_categories(b.folder, b.category, BENCH_CATEGORIES);
    if (b.n_categories == 0) {
        printf("skipped: no data in %s\n", b.folder);
        return 0;
    }
    build(&b);
    open_it(&b, &m);
    read_names(&b);
    must(b.n_names > N_RANKED);
    ask(&b, BY_RANK, "popular, by rank");
    ask(&b, SCATTERED, "popular, scattered");
    ask(&b, ANY, "registered, scattered");
    ask(&b, UNLISTED, "below registered ones, scattered");
    category_index_unref(b.index);
    mapfile_close(&m);
    unlink(b.path);
    free(b.name);
    arena_fini(&b.names);
    return 0;
}
