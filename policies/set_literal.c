/* set_literal: Rabin-Karp with a key of fixed width, taken where a text is rarest. */
#include "policies/set_literal.h"

#include <stdlib.h>
#include <string.h>

#define PIECE    2048 /* bytes folded at a time */
#define OVERLAP  (PATTERN_LITERAL_MOST - 1)
#define BITS_MIN 13
#define BITS_MAX 20

static uint32_t hash_of(uint32_t key, unsigned shift)
{
    return (key * UINT32_C(2654435761)) >> shift;
}

/* Another place of the same bit map: both must be set. */
static uint32_t other_of(uint32_t key, unsigned shift)
{
    return (key * UINT32_C(2246822519)) >> shift;
}

static bool has_bit(const uint64_t *bits, uint32_t hash)
{
    return bits[hash / 64] >> (hash % 64) & 1;
}

static void set_bit(uint64_t *bits, uint32_t hash)
{
    bits[hash / 64] |= UINT64_C(1) << (hash % 64);
}

static uint32_t key_of(const char *folded, unsigned width)
{
    uint32_t k = 0;
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
    unsigned width = text->n >= 4 ? 4 : 3, best = 0;
    struct set_literal_table *t = width == 4 ? &s->four : &s->three;
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 64;
        struct set_literal_entry *v = realloc(t->v, cap * sizeof *v);
        if (!v)
            return ERR_NOMEM;
        t->v = v;
        t->cap = cap;
    }
    for (unsigned i = 1; i + width <= text->n; i++)
        if (rarity(text->b + i, width) > rarity(text->b + best, width))
            best = i;
    t->v[t->n++] =
        (struct set_literal_entry){key_of(text->b + best, width), owner, (uint8_t)best, *text};
    return OK;
}

static int by_key(const void *a, const void *b)
{
    const struct set_literal_entry *x = a, *y = b;
    uint32_t hx = x->key * UINT32_C(2654435761), hy = y->key * UINT32_C(2654435761);
    return hx < hy ? -1 : hx > hy;
}

static enum err seal(struct set_literal_table *t)
{
    unsigned bits = BITS_MIN;
    if (t->n == 0)
        return OK;
    while (bits < BITS_MAX && (UINT32_C(1) << bits) < t->n * 16)
        bits++;
    uint32_t n_hashes = UINT32_C(1) << bits;
    t->shift = 32 - bits;
    t->bits = calloc(n_hashes / 64, sizeof *t->bits);
    t->start = calloc((size_t)n_hashes + 1, sizeof *t->start);
    if (!t->bits || !t->start)
        return ERR_NOMEM;
    qsort(t->v, t->n, sizeof *t->v, by_key);
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t h = hash_of(t->v[i].key, t->shift);
        set_bit(t->bits, h);
        set_bit(t->bits, other_of(t->v[i].key, t->shift));
        t->start[h + 1] = i + 1;
    }
    for (uint32_t h = 0; h < n_hashes; h++)
        if (t->start[h + 1] == 0)
            t->start[h + 1] = t->start[h];
    return OK;
}

enum err set_literal_seal(struct set_literal *s)
{
    enum err e = seal(&s->four);
    return e == OK ? seal(&s->three) : e;
}

static void fini(struct set_literal_table *t)
{
    free(t->v);
    free(t->bits);
    free(t->start);
}

void set_literal_fini(struct set_literal *s)
{
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

/* A hash of the table was seen at `at`: is one of its texts there? */
static void look(const struct set_literal_table *t, const struct finding *f, uint32_t hash,
                 uint32_t key, size_t at)
{
    for (uint32_t i = t->start[hash]; i < t->start[hash + 1]; i++) {
        const struct set_literal_entry *e = &t->v[i];
        if (e->key == key && e->before <= at && at - e->before + e->text.n <= f->n &&
            memcmp(f->text + at - e->before, e->text.b, e->text.n) == 0)
            f->on_found(f->ctx, e->owner);
    }
}

static void find_width(const struct set_literal_table *t, const struct finding *f, unsigned width)
{
    const uint64_t *bits = t->bits;
    unsigned shift = t->shift;
    if (t->n == 0)
        return;
    uint32_t mask = width == 4 ? UINT32_MAX : UINT32_C(0xffffff);
    for (size_t i = 0; i + width <= f->n; i++) { /* there are bytes to spare behind the text */
        uint32_t key = key_of(f->text + i, 4) & mask, h = hash_of(key, shift);
        if (__builtin_expect(has_bit(bits, h) & has_bit(bits, other_of(key, shift)), 0))
            look(t, f, h, key, i);
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
        find_width(&s->four, &f, 4);
        find_width(&s->three, &f, 3);
    }
}
