/* map: open addressing with linear probing and tombstones. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

struct map_slot {
    char *key; /* NULL: never used, or deleted when value is the tombstone */
    size_t key_n;
    void *value;
    uint64_t hash;
};

static char tombstone;

void map_init(struct map *m)
{
    *m = (struct map){0};
    if (getrandom(&m->seed, sizeof m->seed, GRND_NONBLOCK) != (ssize_t)sizeof m->seed)
        m->seed = (uint64_t)(uintptr_t)m; /* early boot only: still differs per map */
}

void map_fini(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        free(m->slots[i].key);
    free(m->slots);
    *m = (struct map){0};
}

static struct map_slot *find(const struct map *m, struct str key, uint64_t hash)
{
    if (m->cap == 0)
        return NULL;
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];
        if (!s->key && !s->value)
            return NULL;
        if (s->key && s->hash == hash && str_eq(str_make(s->key, s->key_n), key))
            return s;
    }
}

static uint64_t hash_of(const struct map *m, struct str key)
{
    return XXH3_64bits_withSeed(key.p ? key.p : "", key.n, m->seed);
}

void *map_get(const struct map *m, struct str key)
{
    const struct map_slot *s = find(m, key, hash_of(m, key));
    return s ? s->value : NULL;
}

static void place(struct map *m, struct map_slot slot)
{
    size_t i = slot.hash & (m->cap - 1);
    while (m->slots[i].key || m->slots[i].value)
        i = (i + 1) & (m->cap - 1);
    m->slots[i] = slot;
}

static enum err rehash(struct map *m)
{
    struct map_slot *old = m->slots;
    size_t old_cap = m->cap;
    size_t cap = 16;
    while (cap < m->n * 4)
        cap *= 2;
    struct map_slot *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return ERR_NOMEM;
    m->slots = slots;
    m->cap = cap;
    m->used = m->n;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].key)
            place(m, old[i]);
    free(old);
    return OK;
}

enum err map_put(struct map *m, struct str key, void *value, void **old)
{
    uint64_t hash = hash_of(m, key);
    struct map_slot *s = find(m, key, hash);
    if (s) {
        if (old)
            *old = s->value;
        s->value = value;
        return OK;
    }
    if ((m->used + 1) * 4 > m->cap * 3 && rehash(m) != OK)
        return ERR_NOMEM;
    char *copy = str_dup(key);
    if (!copy)
        return ERR_NOMEM;
    place(m, (struct map_slot){copy, key.n, value, hash});
    m->n++;
    m->used++;
    if (old)
        *old = NULL;
    return OK;
}

void *map_remove(struct map *m, struct str key)
{
    struct map_slot *s = find(m, key, hash_of(m, key));
    if (!s)
        return NULL;
    void *value = s->value;
    free(s->key);
    *s = (struct map_slot){.value = &tombstone};
    m->n--;
    return value;
}

bool map_each(const struct map *m, size_t *at, struct str *key, void **value)
{
    while (*at < m->cap) {
        const struct map_slot *s = &m->slots[(*at)++];
        if (!s->key)
            continue;
        *key = str_make(s->key, s->key_n);
        *value = s->value;
        return true;
    }
    return false;
}
