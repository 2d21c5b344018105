/* set_name: open addressing at most half full, keyed hash. */
#include "policies/set_name.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/host.h"
#include "base/secret.h"

static uint32_t hash_of(const struct set_name *s, struct str text)
{
    return (uint32_t)XXH3_64bits_withSeed(text.p, text.n, s->seed);
}

static void enter(struct set_name *s, uint32_t id)
{
    uint32_t hash = hash_of(s, s->text[id]), at = hash & s->mask;
    while (s->slots[at].id)
        at = (at + 1) & s->mask;
    s->slots[at] = (struct set_name_slot){hash, id + 1};
}

enum err set_name_init(struct set_name *s, const struct str *texts, uint32_t n)
{
    uint32_t cap = 16;
    *s = (struct set_name){.n = n};
    while (cap / 2 < n && cap < UINT32_MAX / 2)
        cap *= 2;
    s->mask = cap - 1;
    s->slots = calloc(cap, sizeof *s->slots);
    s->text = calloc((size_t)n + 1, sizeof *s->text);
    if (!s->slots || !s->text || secret_random(&s->seed, sizeof s->seed) != OK) {
        set_name_fini(s);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        s->text[i] = texts[i];
        if (str_find(texts[i], '.') == STR_NPOS)
            s->has_single_labels = true;
        enter(s, i);
    }
    return OK;
}

void set_name_fini(struct set_name *s)
{
    free(s->slots);
    free(s->text);
    *s = (struct set_name){0};
}

void set_name_begin(const struct set_name *s, struct str host, bool is_ip, struct set_name_probe *p)
{
    p->host = host;
    p->n = 0;
    if (s->n == 0 || host.n > UINT8_MAX)
        return;
    for (struct str name = host; name.n && p->n < SET_NAME_LABELS; name = host_parent(name)) {
        if (!s->has_single_labels && p->n && !memchr(name.p, '.', name.n))
            return;
        uint32_t hash = hash_of(s, name);
        __builtin_prefetch(&s->slots[hash & s->mask]);
        p->hash[p->n] = hash;
        p->from[p->n++] = (uint8_t)(name.p - host.p);
        if (is_ip)
            return;
    }
}

void set_name_end(const struct set_name *s, const struct set_name_probe *p,
                  void (*on_hit)(void *ctx, uint32_t id), void *ctx)
{
    for (unsigned i = 0; i < p->n; i++) {
        struct str name = str_make(p->host.p + p->from[i], p->host.n - p->from[i]);
        for (uint32_t at = p->hash[i] & s->mask; s->slots[at].id; at = (at + 1) & s->mask)
            if (s->slots[at].hash == p->hash[i] && str_eq(s->text[s->slots[at].id - 1], name)) {
                on_hit(ctx, s->slots[at].id - 1);
                break;
            }
    }
}
