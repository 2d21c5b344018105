/* index_check: the index of all shared category lists, name by name: every listed name and as many
 * that are made from them (a letter in front, a letter behind) must be in exactly the categories a
 * second, independent reading says. The truth is a sorted table of 64-bit hashes under a seed of
 * its own. Usage: index_check [DATA]. Exits 1 at a wrong answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/host.h"
#include "base/must.h"
#include "policies/set_domain.h"
#include "tests/bench/bench.h"

#define N_CATEGORIES 128
#define SEED         UINT64_C(0x9e3779b97f4a7c15)

struct pair {
    uint64_t hash;
    uint32_t category;
};

struct truth {
    struct pair *v;
    size_t n, cap;
};

struct mask {
    uint64_t bits[2];
};

struct data {
    const char *folder;
    char category[N_CATEGORIES][64];
    uint32_t n;
    struct truth truth;
    struct set_domain index;
    uint64_t n_asked, n_hits, n_wrong;
};

static uint64_t hash_of(struct str s)
{
    return XXH64(s.p, s.n, SEED);
}

static int by_hash(const void *pa, const void *pb)
{
    const struct pair *a = pa, *b = pb;
    return a->hash != b->hash ? (a->hash < b->hash ? -1 : 1) : 0;
}

static void remember(struct truth *t, struct str name, uint32_t category)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 1 << 20;
        t->v = realloc(t->v, t->cap * sizeof *t->v);
        must(t->v != NULL);
    }
    t->v[t->n++] = (struct pair){hash_of(name), category};
}

static struct mask truth_of(const struct truth *t, struct str host)
{
    struct mask m = {{0, 0}};
    for (struct str name = host; name.n; name = host_parent(name)) {
        uint64_t hash = hash_of(name);
        size_t lo = 0, hi = t->n;
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (t->v[mid].hash < hash)
                lo = mid + 1;
            else
                hi = mid;
        }
        for (; lo < t->n && t->v[lo].hash == hash; lo++)
            m.bits[t->v[lo].category / 64] |= UINT64_C(1) << (t->v[lo].category % 64);
    }
    return m;
}

static void ask(struct data *d, struct str name)
{
    struct set_domain_hits h;
    struct mask got = {{0, 0}}, want = truth_of(&d->truth, name);
    set_domain_host(&d->index, name, false, &h);
    for (unsigned i = 0; i < h.n; i++)
        got.bits[h.category[i] / 64] |= UINT64_C(1) << (h.category[i] % 64);
    d->n_asked++;
    d->n_hits += h.n > 0;
    if (memcmp(&got, &want, sizeof got) == 0)
        return;
    if (d->n_wrong++ < 10)
        printf("wrong: %.*s\n", STR_ARG(name));
}

/* Calls each for every line of every list. */
static void every_line(struct data *d,
                       void (*each)(struct data *d, struct set_domain_builder *b, uint32_t category,
                                    struct str name),
                       struct set_domain_builder *b)
{
    char text[1024];
    for (uint32_t c = 0; c < d->n; c++) {
        FILE *f = bench_open_list(d->folder, d->category[c]);
        while (f && fgets(text, sizeof text, f))
            each(d, b, c, bench_line(text));
        if (f)
            pclose(f);
    }
}

static void enter(struct data *d, struct set_domain_builder *b, uint32_t category, struct str name)
{
    must(set_domain_builder_add(b, category, SET_DOMAIN_NAME, name) == OK);
    remember(&d->truth, name, category);
}

static void check(struct data *d, struct set_domain_builder *b, uint32_t category, struct str name)
{
    char other[1100];
    (void)b;
    (void)category;
    ask(d, name);
    if (name.n + 1 >= sizeof other)
        return;
    bool is_front = d->n_asked % 2;
    memcpy(other + is_front, name.p, name.n);
    other[is_front ? 0 : name.n] = 'q';
    ask(d, str_make(other, name.n + 1));
}

int main(int argc, char **argv)
{
    static struct data d;
    struct str names[N_CATEGORIES];
    struct set_domain_builder *b;
    struct buf bytes;
    d.folder = argc > 1 ? argv[1] : "../shared/data";
    d.n = bench_categories(d.folder, d.category, N_CATEGORIES);
    if (d.n == 0) {
        printf("skipped: no data in %s\n", d.folder);
        return 0;
    }
    for (uint32_t c = 0; c < d.n; c++)
        names[c] = str_of(d.category[c]);
    must(set_domain_builder_new(names, d.n, &b) == OK);
    every_line(&d, enter, b);
    qsort(d.truth.v, d.truth.n, sizeof *d.truth.v, by_hash);
    buf_init(&bytes, (size_t)1 << 30);
    must(set_domain_builder_finish(b, bench_append, &bytes, NULL) == OK);
    set_domain_builder_free(b);
    must(set_domain_open(buf_str(&bytes), &d.index) == OK);
    every_line(&d, check, NULL);
    printf("%u lists, %zu lines: %llu names asked, %llu in a category, %llu wrong\n", d.n,
           d.truth.n, (unsigned long long)d.n_asked, (unsigned long long)d.n_hits,
           (unsigned long long)d.n_wrong);
    buf_fini(&bytes);
    free(d.truth.v);
    return d.n_wrong ? 1 : 0;
}
