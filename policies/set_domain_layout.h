/* set_domain_layout: the bytes of an index, shared by its builder and its reader. All numbers are
 * little-endian as the machine has them; the file never leaves the kind of machine that made it.
 *
 *   header | filter | buckets (64 bytes: 8 slots of 48-bit tag and 16-bit set) | set offsets | sets
 *   | expressions | names
 *
 * A key lives in the bucket that the high half of its hash names, or in one of the next when that
 * is full; a look-up goes on while buckets are full. Invariant: at least one bucket is not full.
 *
 * The filter says "not here" for most names without touching the buckets, which are spread over
 * more memory than a cache has. It is a Bloom filter in lines of 64 bytes, 8 bits a name. All
 * names below one name of two labels (a registrable domain, mostly) are in the line of that name,
 * so a host with all its parents costs one line; a line with very many names says "maybe" always.
 *
 * Keys are texts: a name, an address, "host/path", "host:port/path"; a network is its length in
 * bits and its address (layout_net), which no text can be. */
#ifndef POLICIES_SET_DOMAIN_LAYOUT_H
#define POLICIES_SET_DOMAIN_LAYOUT_H

#include <stdint.h>
#include <string.h>
#include <xxhash.h>

#include "base/cidr.h"
#include "base/str.h"

#define LAYOUT_MAGIC          "PXDINDX4"
#define LAYOUT_FILTER_BITS    8u /* a name: the whole filter is to stay in the cache */
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
    uint64_t n_lines; /* of the filter; at least 1 */
    /* From the start of the file. */
    uint64_t set_offsets_at, sets_at, expressions_at, names_at;
    uint32_t n_sets, n_categories, n_expressions;
    uint32_t has_single_labels; /* some entry is one label, such as a whole top-level domain */
    uint32_t net_bits[5];       /* bit b of word b / 32: there are networks of b bits */
    uint32_t pad[15];           /* so that what follows begins on a cache line */
};
_Static_assert(sizeof(struct layout_header) == 192, "the filter begins on a cache line");

struct layout_line { /* of the filter */
    uint64_t word[8];
};

struct layout_expression {
    uint32_t at; /* of its text, from the end of the rows */
    uint16_t n, category;
};

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

/* The name whose line of the filter a name is in: its last two labels. */
static inline struct str layout_group(struct str name)
{
    size_t dots = 0;
    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == '.' && ++dots == 2)
            return str_sub(name, i, name.n);
    return name;
}

static inline uint64_t layout_line_of(uint64_t group_high, uint64_t n_lines)
{
    return (group_high >> 32) * n_lines >> 32;
}

/* The bits of a key in its line: three of 512. */
static inline unsigned layout_bit(uint64_t high, unsigned i)
{
    return (unsigned)(high >> (9 * i)) & 511u;
}

#define LAYOUT_FILTER_KEYS 3u

/* n bytes of out. */
static inline struct str layout_net(const struct cidr *net, unsigned char out[17])
{
    out[0] = net->bits;
    memcpy(out + 1, net->ip.b, 16);
    return str_make(out, 17);
}

#endif
