/* set_domain: reading an index. */
#include "policies/set_domain.h"

#include <string.h>

#include "base/host.h"
#include "policies/set_domain_layout.h"

#define LABELS_MAX 128
#define CUTS_MAX   64 /* path prefixes tried */

static const struct layout_header *header(const struct set_domain *d)
{
    return (const struct layout_header *)(const void *)d->base;
}

static bool sections_fit(const struct layout_header *h)
{
    uint64_t buckets_end = sizeof *h + h->n_buckets * sizeof(struct layout_bucket);
    return h->n_buckets > 0 && h->n_buckets <= h->n_bytes / sizeof(struct layout_bucket) &&
           h->n_keys < h->n_buckets * LAYOUT_SLOTS && h->set_offsets_at == buckets_end &&
           h->n_categories <= LAYOUT_CATEGORIES_MAX && h->n_sets <= 0xffff &&
           h->sets_at == h->set_offsets_at + ((uint64_t)h->n_sets + 1) * 4 &&
           h->names_at >= h->sets_at && h->names_at <= h->n_bytes &&
           h->n_bytes - h->names_at >= ((uint64_t)h->n_categories + 1) * 4;
}

static uint32_t u32_at(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Offsets inside the two tables of variable rows must rise and stay inside. */
static bool tables_fit(const struct set_domain *d, const struct layout_header *h)
{
    uint32_t last = 0, room = (uint32_t)((h->names_at - h->sets_at) / 2);
    for (uint32_t i = 0; i <= h->n_sets; i++) {
        uint32_t at = u32_at(d->base + h->set_offsets_at + (size_t)i * 4);
        if (at < last || at > room)
            return false;
        last = at;
    }
    uint64_t text = h->names_at + ((uint64_t)h->n_categories + 1) * 4;
    last = 0;
    for (uint32_t i = 0; i <= h->n_categories; i++) {
        uint32_t at = u32_at(d->base + h->names_at + (size_t)i * 4);
        if (at < last || at > h->n_bytes - text)
            return false;
        last = at;
    }
    return true;
}

enum err set_domain_open(struct str bytes, struct set_domain *out)
{
    struct layout_header h;
    if (bytes.n < sizeof h || (uintptr_t)bytes.p % 8 != 0)
        return ERR_CORRUPT;
    memcpy(&h, bytes.p, sizeof h);
    uint64_t claimed = h.header_checksum;
    h.header_checksum = 0;
    if (memcmp(h.magic, LAYOUT_MAGIC, sizeof h.magic) != 0 || h.n_bytes != bytes.n ||
        claimed != XXH3_64bits(&h, sizeof h) || !sections_fit(&h))
        return ERR_CORRUPT;
    if (XXH3_64bits(bytes.p + sizeof h, bytes.n - sizeof h) != h.checksum)
        return ERR_CORRUPT;
    struct set_domain d = {(const unsigned char *)bytes.p, bytes.n};
    if (!tables_fit(&d, &h))
        return ERR_CORRUPT;
    *out = d;
    return OK;
}

uint32_t set_domain_n_categories(const struct set_domain *d)
{
    return header(d)->n_categories;
}

uint64_t set_domain_n_keys(const struct set_domain *d)
{
    return header(d)->n_keys;
}

struct str set_domain_category(const struct set_domain *d, uint32_t number)
{
    const struct layout_header *h = header(d);
    const unsigned char *offsets = d->base + h->names_at;
    const unsigned char *text = offsets + ((size_t)h->n_categories + 1) * 4;
    uint32_t from = u32_at(offsets + (size_t)number * 4);
    uint32_t to = u32_at(offsets + (size_t)number * 4 + 4);
    return str_make(text + from, to - from);
}

static const struct layout_bucket *bucket(const struct set_domain *d, uint64_t at)
{
    return (const struct layout_bucket *)(const void *)(d->base + sizeof(struct layout_header)) +
           at;
}

/* The set of a key, or -1. */
static int find(const struct set_domain *d, struct layout_key k)
{
    uint64_t n_buckets = header(d)->n_buckets;
    uint64_t at = layout_bucket_of(k.high, n_buckets);
    for (uint64_t tried = 0; tried < n_buckets; tried++) {
        const struct layout_bucket *b = bucket(d, at);
        for (unsigned i = 0; i < LAYOUT_SLOTS; i++)
            if (b->slot[i] >> 16 == k.tag)
                return (int)(b->slot[i] & 0xffff);
        if (b->slot[LAYOUT_SLOTS - 1] == 0)
            return -1; /* not full: the key would be here */
        at = at + 1 == n_buckets ? 0 : at + 1;
    }
    return -1;
}

static bool holds(const uint16_t *list, unsigned n, uint16_t c)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i] == c)
            return true;
    return false;
}

/* Exceptions first, so that one wins over the category at its own level and at all above it. */
static void gather(const struct set_domain *d, unsigned set, struct set_domain_hits *out)
{
    const struct layout_header *h = header(d);
    if (set >= h->n_sets)
        return;
    const unsigned char *offsets = d->base + h->set_offsets_at + (size_t)set * 4;
    const unsigned char *sets = d->base + h->sets_at;
    uint32_t from = u32_at(offsets), to = u32_at(offsets + 4);
    for (uint32_t i = to; i > from; i--) { /* members ascend, exceptions are the last */
        uint16_t c;
        memcpy(&c, sets + (size_t)(i - 1) * 2, sizeof c);
        if (c & LAYOUT_EXCEPTION) {
            if (out->n_taken_away < SET_DOMAIN_EXCEPTIONS)
                out->taken_away[out->n_taken_away++] = c & 0x7fff;
        } else if (c == LAYOUT_HAS_URLS) {
            out->has_urls = true;
        } else if (c < h->n_categories && out->n < SET_DOMAIN_HITS &&
                   !holds(out->category, out->n, c) &&
                   !holds(out->taken_away, out->n_taken_away, c)) {
            out->category[out->n++] = c;
        }
    }
}

void set_domain_host(const struct set_domain *d, struct str host, bool is_ip,
                     struct set_domain_hits *out)
{
    struct layout_key keys[LABELS_MAX];
    unsigned n = 0;
    uint64_t seed = header(d)->seed, n_buckets = header(d)->n_buckets;
    bool want_single = header(d)->has_single_labels;
    out->n = out->n_taken_away = 0;
    out->has_urls = false;
    for (struct str name = host; name.n && n < LABELS_MAX; name = host_parent(name)) {
        if (n && !want_single && str_find(name, '.') == STR_NPOS)
            break;
        keys[n] = layout_key(seed, name);
        __builtin_prefetch(bucket(d, layout_bucket_of(keys[n].high, n_buckets)));
        n++;
        if (is_ip)
            break;
    }
    for (unsigned i = 0; i < n; i++) {
        int set = find(d, keys[i]);
        if (set >= 0)
            gather(d, (unsigned)set, out);
    }
}

/* Looks up name followed by "/", by every prefix of the path that ends before a separator, and by
 * the whole path. */
static void try_paths(const struct set_domain *d, struct str name, struct str path,
                      struct set_domain_hits *out)
{
    char text[2048];
    if (name.n >= sizeof text)
        return;
    size_t room = sizeof text - name.n;
    struct str p = str_sub(path, 0, room);
    memcpy(text, name.p, name.n);
    memcpy(text + name.n, p.p, p.n);
    unsigned cuts = 0;
    for (size_t i = 1; i <= p.n && cuts < CUTS_MAX; i++) {
        if (i > 1 && i < p.n && p.p[i] != '/' && p.p[i] != '?' && p.p[i] != '&')
            continue;
        int set = find(d, layout_key(header(d)->seed, str_make(text, name.n + i)));
        if (set >= 0)
            gather(d, (unsigned)set, out);
        cuts++;
    }
}

void set_domain_url(const struct set_domain *d, struct str host, bool is_ip, struct str path_query,
                    struct set_domain_hits *out)
{
    unsigned n = 0;
    for (struct str name = host; name.n && n < LABELS_MAX; name = host_parent(name), n++) {
        try_paths(d, name, path_query, out);
        if (is_ip)
            break;
    }
}
