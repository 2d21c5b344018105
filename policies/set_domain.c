/* set_domain: reading an index. */
#include "policies/set_domain.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "policies/set_domain_layout.h"

#define LABELS_MAX 128
#define CUTS_MAX   64 /* path prefixes tried */
#define TEXT_MAX   2048

/* Not zeroed at every call although the build zeroes locals: written before it is read. */
#define UNZEROED __attribute__((uninitialized))

static const struct layout_header *header(const struct set_domain *d)
{
    return (const struct layout_header *)(const void *)d->base;
}

static bool sections_fit(const struct layout_header *h)
{
    uint64_t room = h->n_bytes / sizeof(struct layout_bucket);
    if (h->n_lines == 0 || h->n_lines > room || h->n_buckets == 0 || h->n_buckets > room)
        return false;
    uint64_t buckets_end = sizeof *h + (h->n_lines + h->n_buckets) * sizeof(struct layout_bucket);
    return h->n_keys < h->n_buckets * LAYOUT_SLOTS && h->set_offsets_at == buckets_end &&
           h->n_categories <= LAYOUT_CATEGORIES_MAX && h->n_sets <= 0xffff &&
           h->sets_at == h->set_offsets_at + ((uint64_t)h->n_sets + 1) * 4 &&
           h->expressions_at >= h->sets_at && h->expressions_at <= h->names_at &&
           h->names_at - h->expressions_at >=
               (uint64_t)h->n_expressions * sizeof(struct layout_expression) &&
           h->names_at <= h->n_bytes &&
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
    uint32_t last = 0, room = (uint32_t)((h->expressions_at - h->sets_at) / 2);
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

static struct layout_expression expression_row(const struct set_domain *d, uint32_t i)
{
    struct layout_expression row;
    memcpy(&row, d->base + header(d)->expressions_at + (size_t)i * sizeof row, sizeof row);
    return row;
}

static bool expressions_fit(const struct set_domain *d, const struct layout_header *h)
{
    uint64_t rows = (uint64_t)h->n_expressions * sizeof(struct layout_expression);
    uint64_t room = h->names_at - h->expressions_at - rows;
    for (uint32_t i = 0; i < h->n_expressions; i++) {
        struct layout_expression row = expression_row(d, i);
        if (row.category >= h->n_categories || row.at > room || row.n > room - row.at)
            return false;
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
    struct set_domain d = {(const unsigned char *)bytes.p, bytes.n, bytes.p + sizeof h};
    if (!tables_fit(&d, &h) || !expressions_fit(&d, &h))
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

struct str set_domain_filter(const struct set_domain *d)
{
    return str_make(d->base + sizeof(struct layout_header),
                    header(d)->n_lines * sizeof(struct layout_line));
}

uint32_t set_domain_n_expressions(const struct set_domain *d)
{
    return header(d)->n_expressions;
}

struct str set_domain_expression(const struct set_domain *d, uint32_t i, uint16_t *category)
{
    const struct layout_header *h = header(d);
    struct layout_expression row = expression_row(d, i);
    size_t rows = (size_t)h->n_expressions * sizeof row;
    *category = row.category;
    return str_make(d->base + h->expressions_at + rows + row.at, row.n);
}

/* --- one key ------------------------------------------------------------------------------------
 */

static const struct layout_bucket *bucket(const struct set_domain *d, uint64_t at)
{
    size_t from = sizeof(struct layout_header) + header(d)->n_lines * sizeof(struct layout_line);
    return (const struct layout_bucket *)(const void *)(d->base + from) + at;
}

static const struct layout_line *line_of(const struct set_domain *d, uint64_t group_high)
{
    const struct layout_line *lines = d->filter;
    return &lines[layout_line_of(group_high, header(d)->n_lines)];
}

static bool may_have(const struct layout_line *l, uint64_t high)
{
    for (unsigned i = 0; i < LAYOUT_FILTER_KEYS; i++) {
        unsigned bit = layout_bit(high, i);
        if (!(l->word[bit / 64] >> (bit % 64) & 1))
            return false;
    }
    return true;
}

static void prefetch(const struct set_domain *d, struct layout_key k)
{
    __builtin_prefetch(bucket(d, layout_bucket_of(k.high, header(d)->n_buckets)));
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

/* --- answers ------------------------------------------------------------------------------------
 */

static bool holds(const uint16_t *list, unsigned n, uint16_t c)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i] == c)
            return true;
    return false;
}

/* The members of a set: *n of them. */
static const unsigned char *members(const struct set_domain *d, unsigned set, uint32_t *n)
{
    const struct layout_header *h = header(d);
    const unsigned char *offsets = d->base + h->set_offsets_at + (size_t)set * 4;
    *n = 0;
    if (set >= h->n_sets)
        return offsets;
    uint32_t from = u32_at(offsets);
    *n = u32_at(offsets + 4) - from;
    return d->base + h->sets_at + (size_t)from * 2;
}

static uint16_t member(const unsigned char *set, uint32_t i)
{
    uint16_t c;
    memcpy(&c, set + (size_t)i * 2, sizeof c);
    return c;
}

/* Exceptions first, so that one wins over the category at its own level and at all above it. */
static void gather(const struct set_domain *d, unsigned set, const uint16_t *number,
                   struct set_domain_hits *out)
{
    uint32_t n, n_categories = header(d)->n_categories;
    const unsigned char *from = members(d, set, &n);
    for (uint32_t i = n; i > 0; i--) { /* members ascend, exceptions are the last */
        uint16_t c = member(from, i - 1), plain = c & 0x7fff;
        if (c == LAYOUT_HAS_URLS) {
            out->has_urls = true;
            continue;
        }
        if (plain >= n_categories)
            continue;
        uint16_t told = number ? number[plain] : plain;
        if (c & LAYOUT_EXCEPTION) {
            if (out->n_taken_away < SET_DOMAIN_EXCEPTIONS)
                out->taken_away[out->n_taken_away++] = told;
        } else if (out->n < SET_DOMAIN_HITS && !holds(out->category, out->n, told) &&
                   !holds(out->taken_away, out->n_taken_away, told)) {
            out->category[out->n++] = told;
        }
    }
}

static void take(const struct set_domain *d, struct layout_key k, const uint16_t *number,
                 struct set_domain_hits *out)
{
    int set = find(d, k);
    if (set >= 0)
        gather(d, (unsigned)set, number, out);
}

/* --- hosts --------------------------------------------------------------------------------------
 */

/* Every network length there is, longest first. */
static void add_nets(const struct set_domain *d, const struct set_domain_ask *ask,
                     struct set_domain_hits *out)
{
    struct cidr net;
    unsigned char bytes[17];
    const struct layout_header *h = header(d);
    struct ip ip;
    if (!(h->net_bits[0] | h->net_bits[1] | h->net_bits[2] | h->net_bits[3] | h->net_bits[4]) ||
        ip_parse(ask->host, &ip) != OK)
        return;
    for (int bits = 128; bits >= 0; bits--) {
        if (!(h->net_bits[bits / 32] >> (bits % 32) & 1))
            continue;
        net = cidr_of(&ip, (uint8_t)bits);
        take(d, layout_key(h->seed, layout_net(&net, bytes)), ask->number, out);
    }
}

/* Where the labels of a name begin, the last one first. */
static unsigned label_starts(struct str name, uint16_t starts[LABELS_MAX])
{
    unsigned n = 0;
    for (size_t i = name.n; i > 0 && n < LABELS_MAX - 1; i--)
        if (name.p[i - 1] == '.')
            starts[n++] = (uint16_t)i;
    starts[n++] = 0;
    return n;
}

/* From the top down the keys that the filter does not exclude are fetched; then they are looked
 * at, the longest name first. */
static void add_names(const struct set_domain *d, const struct set_domain_ask *ask,
                      struct set_domain_hits *out)
{
    UNZEROED uint16_t starts[LABELS_MAX];
    UNZEROED struct layout_key keys[LABELS_MAX];
    uint64_t seed = header(d)->seed;
    unsigned n = label_starts(ask->host, starts), n_keys = 0;
    const struct layout_line *line = NULL;
    for (unsigned i = n > 1 && !header(d)->has_single_labels; i < n; i++) {
        struct layout_key k = layout_key(seed, str_sub(ask->host, starts[i], ask->host.n));
        if (i <= 1) /* its own group, and that of all names below */
            line = line_of(d, k.high);
        if (!may_have(line, k.high))
            continue;
        prefetch(d, k);
        keys[n_keys++] = k;
    }
    while (n_keys > 0)
        take(d, keys[--n_keys], ask->number, out);
}

void set_domain_prefetch(const struct set_domain *d, struct str host, bool is_ip)
{
    struct layout_key k = layout_key(header(d)->seed, is_ip ? host : layout_group(host));
    if (is_ip)
        prefetch(d, k);
    else
        __builtin_prefetch(line_of(d, k.high));
}

void set_domain_add_host(const struct set_domain *d, const struct set_domain_ask *ask,
                         struct set_domain_hits *out)
{
    if (ask->is_ip) {
        take(d, layout_key(header(d)->seed, ask->host), ask->number, out);
        add_nets(d, ask, out);
    } else if (ask->host.n && ask->host.n < UINT16_MAX) {
        add_names(d, ask, out);
    }
}

void set_domain_host(const struct set_domain *d, struct str host, bool is_ip,
                     struct set_domain_hits *out)
{
    out->n = out->n_taken_away = 0;
    out->has_urls = false;
    set_domain_add_host(d, &(struct set_domain_ask){.host = host, .is_ip = is_ip}, out);
}

/* --- URLs ---------------------------------------------------------------------------------------
 */

/* Looks up name, followed by ":port" when that is not empty, and by "/", by every prefix of the
 * path that ends before a separator, and by the whole path. */
static void try_paths(const struct set_domain *d, struct str name, struct str port,
                      const struct set_domain_ask *ask, struct set_domain_hits *out)
{
    UNZEROED char text[TEXT_MAX];
    size_t from = name.n + port.n;
    if (from >= sizeof text)
        return;
    struct str p = str_sub(ask->path, 0, sizeof text - from);
    memcpy(text, name.p, name.n);
    memcpy(text + name.n, port.p, port.n);
    memcpy(text + from, p.p, p.n);
    unsigned cuts = 0;
    for (size_t i = 1; i <= p.n && cuts < CUTS_MAX; i++) {
        if (i > 1 && i < p.n && p.p[i] != '/' && p.p[i] != '?' && p.p[i] != '&')
            continue;
        take(d, layout_key(header(d)->seed, str_make(text, from + i)), ask->number, out);
        cuts++;
    }
}

void set_domain_add_url(const struct set_domain *d, const struct set_domain_ask *ask,
                        struct set_domain_hits *out)
{
    char port[8];
    int digits = snprintf(port, sizeof port, ":%u", (unsigned)ask->port);
    unsigned n = 0;
    for (struct str name = ask->host; name.n && n < LABELS_MAX; name = host_parent(name), n++) {
        if (ask->port)
            try_paths(d, name, str_make(port, (size_t)digits), ask, out);
        try_paths(d, name, STR(""), ask, out);
        if (ask->is_ip)
            break;
    }
}

bool set_domain_has(const struct set_domain *d, struct str entry, enum set_domain_kind kind,
                    uint16_t category)
{
    struct cidr net;
    unsigned char bytes[17];
    uint32_t n;
    if (kind == SET_DOMAIN_NET && cidr_parse(entry, &net) != OK)
        return false;
    int set = find(
        d, layout_key(header(d)->seed, kind == SET_DOMAIN_NET ? layout_net(&net, bytes) : entry));
    if (set < 0)
        return false;
    const unsigned char *from = members(d, (unsigned)set, &n);
    for (uint32_t i = 0; i < n; i++)
        if (member(from, i) == category)
            return true;
    return false;
}
