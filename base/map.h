/* map: byte-string keys to pointers, open addressing, keyed hash (XXH3 with a random secret per
 * map, so outsiders cannot choose colliding keys). Keys are copied in; values are the caller's.
 * Owner: caller's storage; map_fini frees keys and table, never values. Threads: one at a time. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t n;    /* live entries */
    size_t used; /* live and deleted slots */
    size_t cap;  /* power of two, or 0 */
    uint64_t seed;
};

void map_init(struct map *m);
void map_fini(struct map *m);

/* Value of the key, or NULL. */
void *map_get(const struct map *m, struct str key);
/* Sets or replaces; *old (may be NULL) gets the replaced value or NULL. value must not be NULL. */
enum err map_put(struct map *m, struct str key, void *value, void **old) MUST_CHECK;
/* Removes and returns the value, or NULL. */
void *map_remove(struct map *m, struct str key);
/* Iterates in no order: start with *at = 0; false at the end. Do not change the map meanwhile. */
bool map_each(const struct map *m, size_t *at, struct str *key, void **value);

#endif
