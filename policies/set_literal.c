/* set_literal: Rabin-Karp with a key of fixed width, taken where a text is rarest. */
#include "policies/set_literal.h"

#include <stdlib.h>
#include <string.h>

#define PIECE        2048 /* bytes folded at a time */
#define OVERLAP      (PATTERN_LITERAL_MOST - 1)
#define LOG_LEAST    7 /* of the number of words, and of buckets */
#define LOG_MOST     20
#define SHARED_SHIFT 46 /* 64 less the bits of a count of equal keys */

static uint64_t hash_of(uint64_t key)
{
    return key * UINT64_C(0x9e3779b97f4a7c15);
}

/* The three bits of a key, all in one word: one load, and it stays in the first-level cache. */
static uint64_t bits_of(uint64_t hash)
{
    return UINT64_C(1) << (hash >> 20 & 63) | UINT64_C(1) << (hash >> 27 & 63) |
           UINT64_C(1) << (hash >> 34 & 63);
}

static uint64_t key_of(const char *folded, unsigned width)
{
    uint64_t k = 0;
    memcpy(&k, folded, width);
    return k;
}

/* Letters as they come in URLs, the frequent ones worth least. */
static unsigned rarity(const char *key, unsigned width)
{
    static const char frequent[] = "etaoinsrcl/.-pmdhw";
    unsigned r = 0;
    for (unsigned i = 0; i < width; i++) {
        const char *at = memchr(frequent, key[i], sizeof frequent - 1);
        r += at ? (unsigned)(at - frequent) : 24;
    }
    return r;
}

enum err set_literal_add(struct set_literal *s, const struct pattern_literal *text, uint32_t owner)
{
    struct set_literal_table *t = text->n >= 6 ? &s->six : text->n >= 4 ? &s->four : &s->three;
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 64;
        struct set_literal_entry *v = realloc(t->v, cap * sizeof *v);
        if (!v)
            return ERR_NOMEM;
        t->v = v;
        t->cap = cap;
    }
    t->v[t->n++] = (struct set_literal_entry){.owner = owner, .text = *text};
    return OK;
}

/* Twice as many texts with the same key weigh as much as one bit of a key's rarity in URLs. */
static unsigned cost_of_sharing(unsigned n)
{
    return 6 * (31 - (unsigned)__builtin_clz(n | 1));
}

/* Where in the text the key is taken: where few other texts have the same, and few URLs. */
static unsigned best_place(const struct pattern_literal *l, unsigned width, const uint16_t *shared)
{
    unsigned best = 0, best_score = UINT32_MAX;
    for (unsigned i = 0; i + width <= l->n; i++) {
        unsigned n = shared[hash_of(key_of(l->b + i, width)) >> SHARED_SHIFT];
        unsigned score = 100 + cost_of_sharing(n) - rarity(l->b + i, width);
        if (pattern_literals_is_common(str_make(l->b + i, width)))
            score += 1000;
        if (score < best_score) {
            best_score = score;
            best = i;
        }
    }
    return best;
}

static enum err choose_keys(struct set_literal_table *t, unsigned width)
{
    uint16_t *shared = calloc((size_t)1 << (64 - SHARED_SHIFT), sizeof *shared);
    if (!shared)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < t->n; i++)
        for (unsigned k = 0; k + width <= t->v[i].text.n; k++) {
            uint16_t *n = &shared[hash_of(key_of(t->v[i].text.b + k, width)) >> SHARED_SHIFT];
            *n = (uint16_t)(*n + (*n < UINT16_MAX));
        }
    for (uint32_t i = 0; i < t->n; i++) {
        struct set_literal_entry *e = &t->v[i];
        unsigned at = best_place(&e->text, width, shared);
        e->before = (uint8_t)at;
        e->key = key_of(e->text.b + at, width);
    }
    free(shared);
    return OK;
}

static int by_hash(const void *a, const void *b)
{
    const struct set_literal_entry *x = a, *y = b;
    uint64_t hx = hash_of(x->key), hy = hash_of(y->key);
    return hx < hy ? -1 : hx > hy;
}

/* The power of two that is at least n. */
static unsigned log_of(uint32_t n)
{
    unsigned log = LOG_LEAST;
    while (log < LOG_MOST && (UINT32_C(1) << log) < n)
        log++;
    return log;
}

static enum err seal(struct set_literal_table *t, unsigned width)
{
    if (t->n == 0)
        return OK;
    if (choose_keys(t, width) != OK)
        return ERR_NOMEM;
    unsigned log_words = log_of(t->n / 4), log_buckets = log_of(t->n);
    uint32_t n_buckets = UINT32_C(1) << log_buckets;
    t->word_shift = 64 - log_words;
    t->bucket_shift = 64 - log_buckets;
    t->words = calloc((size_t)1 << log_words, sizeof *t->words);
    t->start = calloc((size_t)n_buckets + 1, sizeof *t->start);
    if (!t->words || !t->start)
        return ERR_NOMEM;
    qsort(t->v, t->n, sizeof *t->v, by_hash);
    for (uint32_t i = 0; i < t->n; i++) {
        uint64_t h = hash_of(t->v[i].key);
        t->words[h >> t->word_shift] |= bits_of(h);
        t->start[(h >> t->bucket_shift) + 1] = i + 1;
    }
    for (uint32_t b = 0; b < n_buckets; b++)
        if (t->start[b + 1] == 0)
            t->start[b + 1] = t->start[b];
    return OK;
}

enum err set_literal_seal(struct set_literal *s)
{
    enum err e = seal(&s->six, 6);
    if (e == OK)
        e = seal(&s->four, 4);
    return e == OK ? seal(&s->three, 3) : e;
}

static void fini(struct set_literal_table *t)
{
    free(t->v);
    free(t->words);
    free(t->start);
}

void set_literal_fini(struct set_literal *s)
{
    fini(&s->six);
    fini(&s->four);
    fini(&s->three);
    *s = (struct set_literal){0};
}

struct finding {
    void (*on_found)(void *ctx, uint32_t owner);
    void *ctx;
    const char *text;
    size_t n;
};

/* The bits of a key were all set at `at`: is one of the texts there? */
static void look(const struct set_literal_table *t, const struct finding *f, uint64_t key,
                 size_t at)
{
    uint64_t bucket = hash_of(key) >> t->bucket_shift;
    for (uint32_t i = t->start[bucket]; i < t->start[bucket + 1]; i++) {
        const struct set_literal_entry *e = &t->v[i];
        if (e->key == key && e->before <= at && at - e->before + e->text.n <= f->n &&
            memcmp(f->text + at - e->before, e->text.b, e->text.n) == 0)
            f->on_found(f->ctx, e->owner);
    }
}

static inline void find_width(const struct set_literal_table *t, const struct finding *f,
                              unsigned width)
{
    const uint64_t *words = t->words;
    unsigned shift = t->word_shift;
    uint64_t mask = ~UINT64_C(0) >> (64 - 8 * width); /* the first byte is the lowest */
    if (t->n == 0)
        return;
    for (size_t i = 0; i + width <= f->n; i++) { /* eight bytes to spare are behind the text */
        uint64_t key = key_of(f->text + i, 8) & mask, h = hash_of(key), bits = bits_of(h);
        if (__builtin_expect((words[h >> shift] & bits) == bits, 0))
            look(t, f, key, i);
    }
}

static void fold(char *out, const char *text, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t v;
        memcpy(&v, text + i, 8);
        v |= UINT64_C(0x2020202020202020);
        memcpy(out + i, &v, 8);
    }
    for (; i < n; i++)
        out[i] = (char)(text[i] | 0x20);
}

void set_literal_find(const struct set_literal *s, struct str text,
                      void (*on_found)(void *ctx, uint32_t owner), void *ctx)
{
    char folded[PIECE + 8] __attribute__((uninitialized));
    for (size_t from = 0; from == 0 || from + OVERLAP < text.n; from += PIECE - OVERLAP) {
        struct finding f = {on_found, ctx, folded, text.n - from < PIECE ? text.n - from : PIECE};
        if (f.n)
            fold(folded, text.p + from, f.n);
        memset(folded + f.n, 0, 8);
        find_width(&s->six, &f, 6);
        find_width(&s->four, &f, 4);
        find_width(&s->three, &f, 3);
    }
}
