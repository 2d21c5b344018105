/* engine_bench: what a decision costs as rules and patterns grow, with all shared category lists in
 * the index (index_bench tells of that alone). No network, no proxy. Prints a table and one JSON
 * line a row. Usage: engine_bench [DATA [LARGEST [ROUNDS]]]: the shared data folder (default
 * ../shared/data), the largest number of rules tried (default 10000), and how often the 50,000
 * requests are run (default 2, the last is told); with ROUNDS no smaller policies: for a profiler.
 * Read figures against others of one run. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/must.h"
#include "base/url.h"
#include "policies/compile.h"
#include "policies/decide.h"
#include "policies/set_domain.h"
#include "tests/bench/bench.h"

#define N_URLS   50000
#define N_PEOPLE 2000
#define N_GROUPS 24 /* of one person, at most */
#define N_LISTS  20

struct data {
    const char *folder;
    struct arena arena;
    struct str url[N_URLS];
    struct url parts[N_URLS];
    size_t n_urls;
    char category[BENCH_CATEGORIES][64];
    size_t n_categories;
    struct buf index;
    int n_rounds;
};

static void read_urls(struct data *d)
{
    char text[8192];
    FILE *f = bench_open(d->folder, "urls-sample.txt.zst");
    must(f != NULL);
    while (d->n_urls < N_URLS && fgets(text, sizeof text, f)) {
        struct url u;
        struct str line = arena_str(&d->arena, bench_line(text));
        if (url_parse(line, &u) != OK || url_normal(&u, &d->arena, &d->url[d->n_urls]) != OK)
            continue;
        d->parts[d->n_urls++] = u;
    }
    pclose(f);
}

/* --- the index ----------------------------------------------------------------------------------
 */

static void add_all(const struct data *d, struct set_domain_builder *b)
{
    char text[4096];
    for (uint32_t c = 0; c < d->n_categories; c++) {
        FILE *f = bench_open_list(d->folder, d->category[c]);
        while (f && fgets(text, sizeof text, f))
            must(set_domain_builder_add(b, c, SET_DOMAIN_NAME, bench_line(text)) == OK);
        if (f)
            pclose(f);
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void build_index(struct data *d)
{
    struct str names[1000];
    struct set_domain_builder *b;
    struct set_domain_stats stats;
    for (size_t i = 0; i < d->n_categories; i++)
        names[i] = str_of(d->category[i]);
    must(set_domain_builder_new(names, d->n_categories, &b) == OK);
    add_all(d, b);
    buf_init(&d->index, (size_t)1 << 30);
    must(set_domain_builder_finish(b, bench_append, &d->index, &stats) == OK);
    set_domain_builder_free(b);
    printf("%llu names in %zu categories\n", (unsigned long long)stats.n_keys, d->n_categories);
}

/* --- decisions ----------------------------------------------------------------------------------
 */

/* The forms of the peers' list generator, in JSON. */
static void add_pattern(struct buf *b)
{
    static const char *const forms[][2] = {
        {"(^|[-.?+=/_0-9])", "([-.?+=/_0-9]|$)"},   {"/", "/(banner|ads?)[0-9]*\\\\.(gif|jpe?g)"},
        {"^http://[^/]*", "[0-9]*\\\\.(com|net)/"}, {"[?&]", "=[0-9a-f]+(&|$)"},
        {"/(", ")[^/]*\\\\.(exe|zip|rar)$"},        {"", "(s|er|ing)?[-_]?quux"}};
    uint32_t form = bench_random(6);
    buf_addf(b, "\"%s", forms[form][0]);
    bench_word(b, 3);
    buf_addf(b, "%s\"", forms[form][1]);
}

static void add_hosts(struct buf *b)
{
    buf_add_z(b, "\"hosts\":[\"");
    bench_word(b, 4);
    buf_add_z(b, ".com\",\"www.");
    bench_word(b, 3);
    buf_add_z(b, ".net\"]");
}

static void add_patterns(struct buf *b)
{
    buf_add_z(b, "\"url_patterns\":[");
    for (int k = 0; k < 4; k++) {
        buf_add_z(b, k ? "," : "");
        add_pattern(b);
    }
    buf_add_z(b, "]");
}

/* Eight kinds of rules, so that every key that is known before an answer is in use. A quarter of
 * them have four patterns each: as many patterns as rules. */
static void add_rule(struct buf *b, const struct data *d, uint32_t i)
{
    const char *category = d->category[bench_random((uint32_t)d->n_categories)];
    buf_addf(b, "%s{\"id\":\"r%u\",\"action\":\"%s\",\"when\":{", i ? "," : "", i,
             i % 8 == 7 ? "allow" : "block");
    switch (i % 8) {
    case 0:
        buf_addf(b, "\"groups\":[\"g%u\",\"g%u\"],\"categories\":[\"%s\"]}", bench_random(200),
                 bench_random(200), category);
        buf_addf(b, ",\"unless\":{\"users\":[\"u%u\"]}}", bench_random(N_PEOPLE));
        break;
    case 1:
        add_hosts(b);
        buf_addf(b, ",\"networks\":[\"10.%u.0.0/16\"]}}", bench_random(64));
        break;
    case 2:
        add_patterns(b);
        buf_addf(b, "},\"unless\":{\"groups\":[\"g%u\"]}}", bench_random(200));
        break;
    case 3:
        buf_addf(b, "\"users\":[\"u%u\"],\"categories\":[\"%s\"],\"schedules\":[\"work\"]}}",
                 bench_random(N_PEOPLE), category);
        break;
    case 4:
        buf_addf(b, "\"lists\":[\"l%u\"],\"groups\":[\"g%u\"],\"ports\":[\"80\",\"8000-8100\"]}}",
                 bench_random(N_LISTS), bench_random(200));
        break;
    case 5:
        add_hosts(b);
        buf_addf(b,
                 ",\"methods\":[\"POST\",\"PUT\"]},\"unless\":{\"networks\":[\"10.%u.%u.0/24\"]}}",
                 bench_random(64), bench_random(256));
        break;
    case 6:
        add_patterns(b);
        buf_addf(b, ",\"groups\":[\"g%u\",\"g%u\",\"g%u\"]}}", bench_random(200), bench_random(200),
                 bench_random(200));
        break;
    default:
        buf_addf(b, "\"groups\":[\"g%u\"],\"extensions\":[\"%s\"],\"categories\":[\"%s\"]}}",
                 bench_random(200), i % 16 == 7 ? "jpg" : "js", category);
    }
}

static void add_lists(struct buf *b)
{
    for (int l = 0; l < N_LISTS; l++) {
        buf_addf(b, "%s{\"name\":\"l%d\",\"kind\":\"domains\",\"entries\":[", l ? "," : "", l);
        for (int i = 0; i < 50; i++) {
            buf_add_z(b, i ? ",\"" : "\"");
            bench_word(b, 3);
            buf_add_z(b, ".org\"");
        }
        buf_add_z(b, "]}");
    }
}

static void make_document(struct buf *b, const struct data *d, uint32_t n)
{
    buf_add_z(b,
              "{\"schedules\":[{\"name\":\"work\",\"zone\":\"Europe/Paris\",\"windows\":[{\"days\":"
              "[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"],\"from\":\"08:00\",\"to\":\"18:00\"}]}],"
              "\"lists\":[");
    add_lists(b);
    buf_add_z(b, "],\"rules\":[");
    for (uint32_t i = 0; i < n; i++)
        add_rule(b, d, i);
    buf_add_z(b, "]}");
}

/* --- people: as many as a large house has at work at once ----------------------------------------
 */

struct person {
    char name[16];
    char group[N_GROUPS][16];
    struct str groups[N_GROUPS];
    size_t n_groups;
    struct ip client;
    uint64_t number;
};

static void make_people(struct person *p)
{
    for (uint32_t i = 0; i < N_PEOPLE; i++, p++) {
        snprintf(p->name, sizeof p->name, "u%u", i);
        p->number = i + 1;
        p->n_groups = 4 + bench_random(N_GROUPS - 4);
        for (size_t g = 0; g < p->n_groups; g++) {
            snprintf(p->group[g], sizeof p->group[g], "g%u",
                     bench_random(400)); /* half: in no rule */
            p->groups[g] = str_of(p->group[g]);
        }
        p->client.b[10] = p->client.b[11] = 0xff;
        p->client.b[12] = 10;
        p->client.b[13] = (uint8_t)bench_random(64);
        p->client.b[14] = (uint8_t)bench_random(256);
        p->client.b[15] = (uint8_t)i;
    }
}

/* Facts ready: the texts have just been parsed, so they are copied to where the last ones were. */
struct ready {
    struct facts facts;
    char host[HOST_MAX + 1], url[8192], user[16];
    char group[N_GROUPS][16];
    struct str groups[N_GROUPS];
};

static struct str copied(char *to, struct str from)
{
    memcpy(to, from.p, from.n);
    return str_make(to, from.n);
}

static void get_ready(struct ready *r, const struct data *d, size_t i, const struct person *who)
{
    const struct url *u = &d->parts[i];
    for (size_t g = 0; g < who->n_groups; g++)
        r->groups[g] = copied(r->group[g], who->groups[g]);
    r->facts = (struct facts){.known = FACTS_BIT(FACTS_N_STAGES) - 1,
                              .client = who->client,
                              .now_ms = INT64_C(1795427000000) + (int64_t)i,
                              .method = i % 8 ? STR("GET") : STR("POST"),
                              .host = copied(r->host, host_str(&u->host)),
                              .host_is_ip = u->host.is_ip,
                              .host_ip = u->host.ip,
                              .port = u->port,
                              .scheme = u->scheme == URL_HTTPS ? FACTS_HTTPS : FACTS_HTTP,
                              .user = copied(r->user, str_of(who->name)),
                              .groups = r->groups,
                              .n_groups = who->n_groups,
                              .person = who->number,
                              .url = copied(r->url, d->url[i]),
                              .user_agent = STR("Mozilla/5.0"),
                              .size_bytes = UINT64_MAX};
}

/* Real URLs in random order, each asked by somebody at random. */
static void measure(const struct data *d, const struct snapshot *s, uint32_t *took,
                    size_t *n_blocked)
{
    static struct person people[N_PEOPLE];
    static struct ready r;
    uint32_t clock = bench_clock_cost();
    uint64_t keep = bench_seed;
    *n_blocked = 0;
    bench_seed = 4711;
    make_people(people);
    for (size_t i = 0; i < d->n_urls; i++) {
        uint32_t who = bench_random(N_PEOPLE);
        get_ready(&r, d, bench_random((uint32_t)d->n_urls), &people[who]);
        struct verdict v;
        uint64_t t = bench_ns(CLOCK_MONOTONIC);
        policy_decide(s, &r.facts, &v);
        uint64_t e = bench_ns(CLOCK_MONOTONIC) - t;
        took[i] = e > clock ? (uint32_t)(e - clock) : 0;
        *n_blocked += v.action == VERDICT_BLOCK;
    }
    bench_seed = keep;
}

static void bench_decide(const struct data *d, struct category_index *index, uint32_t n)
{
    struct buf document;
    struct report report;
    struct snapshot *s = NULL;
    buf_init(&document, (size_t)1 << 26);
    make_document(&document, d, n);
    struct compile_input in = {.document = buf_str(&document), .version = 1, .index = index};
    uint64_t t = bench_ns(CLOCK_MONOTONIC);
    enum err e = policy_compile(&in, &report, &s);
    double compile_s = (double)(bench_ns(CLOCK_MONOTONIC) - t) / 1e9;
    if (report.n_faults)
        fprintf(stderr, "%s: %s\n", report.faults[0].pointer, report.faults[0].message);
    report_fini(&report);
    must(e == OK);
    uint32_t *took = calloc(d->n_urls, sizeof *took);
    must(took != NULL);
    size_t n_blocked = 0;
    for (int round = 0; round < d->n_rounds; round++) /* the last one counts */
        measure(d, s, took, &n_blocked);
    qsort(took, d->n_urls, sizeof *took, by_number);
    uint32_t median = took[d->n_urls / 2], p99 = took[d->n_urls / 100 * 99];
    printf("%6u rules, %6u patterns           %10zu URLs  %8zu blocked  median %u ns  p99 %u ns  "
           "compile %.2f s\n",
           n, n, d->n_urls, n_blocked, median, p99, compile_s);
    printf("{\"bench\":\"decide\",\"rules\":%u,\"patterns\":%u,\"urls\":%zu,\"blocked\":%zu,"
           "\"median_ns\":%u,"
           "\"p99_ns\":%u,\"compile_s\":%.3f}\n",
           n, n, d->n_urls, n_blocked, median, p99, compile_s);
    free(took);
    snapshot_unref(s);
    buf_fini(&document);
}

int main(int argc, char **argv)
{
    static struct data d;
    struct category_index *index = NULL;
    d.folder = argc > 1 ? argv[1] : "../shared/data";
    d.n_rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 2;
    unsigned long largest = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
    arena_init(&d.arena, 1 << 20, (size_t)1 << 30);
    read_urls(&d);
    if (d.n_urls == 0) {
        printf("skipped: no data in %s\n", d.folder);
        return 0;
    }
    d.n_categories = bench_categories(d.folder, d.category, BENCH_CATEGORIES);
    build_index(&d);
    must(category_index_open(buf_str(&d.index), NULL, NULL, &index) == OK);
    for (uint32_t n = argc > 3 ? (uint32_t)largest : 100; n <= largest; n *= 10)
        bench_decide(&d, index, n);
    category_index_unref(index);
    buf_fini(&d.index);
    arena_fini(&d.arena);
    return 0;
}
