/* set_domain_layout: the bytes of an index, shared by its builder and its reader. All numbers are
 * little-endian as the machine has them; the file never leaves the kind of machine that made it.
 *
 *   header | buckets (64 bytes: 8 slots of 48-bit tag and 16-bit set) | set offsets | sets | names
 *
 * A key lives in the bucket that the high half of its hash names, or in one of the next when that
 * is full; a look-up goes on while buckets are full. Invariant: at least one bucket is not full. */
#ifndef POLICIES_SET_DOMAIN_LAYOUT_H
#define POLICIES_SET_DOMAIN_LAYOUT_H

#include <stdint.h>
#include <xxhash.h>

#include "base/str.h"

#define LAYOUT_MAGIC          "PXDINDX3"
#define LAYOUT_SLOTS          8u
#define LAYOUT_TAG_MASK       ((UINT64_C(1) << 48) - 1)
#define LAYOUT_EXCEPTION      0x8000u /* in a set: the category is taken away */
#define LAYOUT_HAS_URLS       0x7fffu /* in a set: URL entries below this host */
#define LAYOUT_CATEGORIES_MAX 0x7ffeu

struct layout_header {
    char magic[8];
    uint64_t n_bytes;
    uint64_t checksum;        /* XXH3 of everything behind the header */
    uint64_t header_checksum; /* XXH3 of the header with this field 0 */
    uint64_t seed;
    uint64_t n_keys;
    uint64_t n_buckets;
    uint64_t set_offsets_at, sets_at, names_at; /* from the start of the file */
    uint32_t n_sets, n_categories;
    uint32_t has_single_labels; /* some entry is one label, such as a whole top-level domain */
    uint32_t pad[9];            /* so that buckets begin on a cache line */
};
_Static_assert(sizeof(struct layout_header) == 128, "buckets begin on a cache line");

struct layout_bucket {
    uint64_t slot[LAYOUT_SLOTS]; /* tag << 16 | set; 0: free */
};

struct layout_key {
    uint64_t high, tag;
};

static inline struct layout_key layout_key(uint64_t seed, struct str s)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(s.p, s.n, seed);
    uint64_t tag = h.low64 & LAYOUT_TAG_MASK;
    return (struct layout_key){h.high64, tag ? tag : 1};
}

static inline uint64_t layout_bucket_of(uint64_t high, uint64_t n_buckets)
{
    return (high >> 32) * n_buckets >> 32; /* n_buckets is below 2^32 */
}

#endif
