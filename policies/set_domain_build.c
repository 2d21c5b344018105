/* set_domain_build: making an index: hash each entry, sort by hash, fold equal keys into sets, lay
 * the keys out in the order of their buckets. Called through policies/set_domain.h. */
#include "policies/set_domain_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/secret.h"
#include "policies/set_domain_layout.h"

#define LOAD_PERCENT 80   /* of the slots: 10 bytes a key */
#define MEMBERS_MAX  1024 /* categories of one name */

#define NO_GROUP UINT32_MAX

struct row {
    uint64_t high, tag;
    uint32_t group;  /* the upper half of the group's hash; NO_GROUP: not in the filter */
    uint16_t member; /* category, with LAYOUT_EXCEPTION, or LAYOUT_HAS_URLS */
};

struct set_domain_builder {
    uint64_t seed;
    struct row *rows;
    size_t n, cap;
    struct buf names;            /* offsets and texts as in the file */
    struct buf rows_of_patterns; /* struct layout_expression */
    struct buf patterns;
    uint32_t n_categories, net_bits[5];
    bool has_single_labels;
};

enum err set_domain_builder_new(const struct str *names, size_t n_names,
                                struct set_domain_builder **out)
{
    if (n_names > LAYOUT_CATEGORIES_MAX)
        return ERR_LIMIT;
    struct set_domain_builder *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    buf_init(&b->names, (size_t)64 << 20);
    buf_init(&b->rows_of_patterns, (size_t)64 << 20);
    buf_init(&b->patterns, (size_t)1 << 30);
    b->n_categories = (uint32_t)n_names;
    uint32_t at = 0;
    for (size_t i = 0; i <= n_names; i++) {
        buf_add(&b->names, str_make(&at, sizeof at));
        at += i < n_names ? (uint32_t)names[i].n : 0;
    }
    for (size_t i = 0; i < n_names; i++)
        buf_add(&b->names, names[i]);
    if (b->names.failed || secret_random(&b->seed, sizeof b->seed) != OK) {
        set_domain_builder_free(b);
        return ERR_NOMEM;
    }
    *out = b;
    return OK;
}

void set_domain_builder_free(struct set_domain_builder *b)
{
    if (!b)
        return;
    free(b->rows);
    buf_fini(&b->names);
    buf_fini(&b->rows_of_patterns);
    buf_fini(&b->patterns);
    free(b);
}

/* group: the name whose line of the filter the key is in; empty: it is not asked through it. */
static enum err add_row(struct set_domain_builder *b, struct str key, struct str group,
                        unsigned member)
{
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap + b->cap / 2 : 256;
        struct row *rows = realloc(b->rows, cap * sizeof *rows);
        if (!rows)
            return ERR_NOMEM;
        b->rows = rows;
        b->cap = cap;
    }
    struct layout_key k = layout_key(b->seed, key);
    uint64_t high = group.n == key.n ? k.high : layout_key(b->seed, group).high;
    uint32_t top = (uint32_t)(high >> 32);
    b->rows[b->n++] = (struct row){.high = k.high,
                                   .tag = k.tag,
                                   .group = group.n == 0 ? NO_GROUP : top - (top == NO_GROUP),
                                   .member = (uint16_t)member};
    return OK;
}

static enum err add_name(struct set_domain_builder *b, struct str name, unsigned member)
{
    if (str_find(name, '.') == STR_NPOS)
        b->has_single_labels = true;
    return add_row(b, name, layout_group(name), member);
}

static enum err add_url(struct set_domain_builder *b, struct str entry, unsigned member)
{
    size_t slash = str_find(entry, '/');
    if (slash == STR_NPOS || slash == 0)
        return ERR_INVALID;
    while (entry.n > slash + 1 && entry.p[entry.n - 1] == '/')
        entry.n--; /* "host/dir/" and "host/dir" are one entry */
    struct str host = str_sub(entry, 0, slash);
    size_t colon = str_rfind(host, ':');
    if (colon != STR_NPOS && str_find(host, ':') == colon) /* else an IPv6 address */
        host = str_sub(host, 0, colon);
    enum err e = add_name(b, host, LAYOUT_HAS_URLS);
    return e == OK ? add_row(b, entry, str_make("", 0), member) : e;
}

static enum err add_net(struct set_domain_builder *b, struct str entry, unsigned member)
{
    struct cidr net;
    unsigned char bytes[17];
    if (cidr_parse(entry, &net) != OK)
        return ERR_INVALID;
    b->net_bits[net.bits / 32] |= UINT32_C(1) << (net.bits % 32);
    return add_row(b, layout_net(&net, bytes), str_make("", 0), member);
}

/* An exception is of the kind that its text is. */
static enum err add_exception(struct set_domain_builder *b, struct str entry, unsigned member)
{
    struct cidr net;
    if (str_find(entry, '/') == STR_NPOS)
        return add_name(b, entry, member);
    return cidr_parse(entry, &net) == OK ? add_net(b, entry, member) : add_url(b, entry, member);
}

static enum err add_expression(struct set_domain_builder *b, struct str text, uint32_t category)
{
    if (text.n > UINT16_MAX)
        return ERR_LIMIT;
    struct layout_expression row = {(uint32_t)b->patterns.n, (uint16_t)text.n, (uint16_t)category};
    buf_add(&b->rows_of_patterns, str_make(&row, sizeof row));
    buf_add(&b->patterns, text);
    return b->rows_of_patterns.failed || b->patterns.failed ? ERR_NOMEM : OK;
}

enum err set_domain_builder_add(struct set_domain_builder *b, uint32_t category,
                                enum set_domain_kind kind, struct str entry)
{
    if (category >= b->n_categories || entry.n == 0)
        return ERR_INVALID;
    switch (kind) {
    case SET_DOMAIN_NAME: return add_name(b, entry, category);
    case SET_DOMAIN_URL: return add_url(b, entry, category);
    case SET_DOMAIN_NET: return add_net(b, entry, category);
    case SET_DOMAIN_EXCEPTION: return add_exception(b, entry, category | LAYOUT_EXCEPTION);
    case SET_DOMAIN_EXPRESSION: return add_expression(b, entry, category);
    }
    return ERR_INVALID;
}

static int by_key(const void *pa, const void *pb)
{
    const struct row *a = pa, *b = pb;
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    if (a->tag != b->tag)
        return a->tag < b->tag ? -1 : 1;
    return a->member < b->member ? -1 : a->member > b->member;
}

/* One counting pass over the top 16 bits leaves runs of about n/65536 rows for qsort. */
static enum err sort_rows(struct set_domain_builder *b)
{
    if (b->n < 4096) {
        if (b->n)
            qsort(b->rows, b->n, sizeof *b->rows, by_key);
        return OK;
    }
    size_t *at = calloc(65537, sizeof *at);
    struct row *sorted = malloc(b->n * sizeof *sorted);
    if (!at || !sorted) {
        free(at);
        free(sorted);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < b->n; i++)
        at[(b->rows[i].high >> 48) + 1]++;
    for (size_t i = 0; i < 65536; i++)
        at[i + 1] += at[i];
    for (size_t i = 0; i < b->n; i++)
        sorted[at[b->rows[i].high >> 48]++] = b->rows[i];
    free(b->rows);
    b->rows = sorted;
    b->cap = b->n;
    for (size_t i = 0, from = 0; i < 65536; from = at[i], i++)
        if (at[i] - from > 1)
            qsort(sorted + from, at[i] - from, sizeof *sorted, by_key);
    free(at);
    return OK;
}

struct laying { /* one index in the making */
    struct layout_header h;
    struct layout_line *lines;
    struct layout_bucket *buckets;
    struct buf offsets, sets; /* of the sets */
    struct map known;         /* members as bytes -> number + 1 */
    uint64_t bucket;          /* where the last key went */
    uint64_t n_spilled;
};

static enum err set_number(struct laying *l, struct str members, uint16_t *out)
{
    uintptr_t had = (uintptr_t)map_get(&l->known, members);
    if (had) {
        *out = (uint16_t)(had - 1);
        return OK;
    }
    if (l->h.n_sets == 0xffff)
        return ERR_LIMIT;
    uintptr_t number = l->h.n_sets++;
    buf_add(&l->sets, members);
    uint32_t end = (uint32_t)(l->sets.n / 2);
    buf_add(&l->offsets, str_make(&end, sizeof end));
    *out = (uint16_t)number;
    if (l->sets.failed || l->offsets.failed)
        return ERR_NOMEM;
    /* a number kept in place of a pointer; 0 is "not there" */
    return map_put(&l->known, members, (void *)(number + 1), NULL); // NOLINT
}

static bool put(struct layout_bucket *b, uint64_t slot)
{
    for (unsigned i = 0; i < LAYOUT_SLOTS; i++) {
        if (b->slot[i] == 0) {
            b->slot[i] = slot;
            return true;
        }
    }
    return false;
}

static void place(struct laying *l, const struct row *r, uint16_t set)
{
    uint64_t at = layout_bucket_of(r->high, l->h.n_buckets);
    while (!put(&l->buckets[at], r->tag << 16 | set))
        at = at + 1 == l->h.n_buckets ? 0 : at + 1;
}

static void mark(struct laying *l, const struct row *r)
{
    if (r->group == NO_GROUP)
        return;
    struct layout_line *line = &l->lines[layout_line_of((uint64_t)r->group << 32, l->h.n_lines)];
    for (unsigned i = 0; i < LAYOUT_FILTER_KEYS; i++) {
        unsigned bit = layout_bit(r->high, i);
        line->word[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
}

static size_t count_keys(const struct set_domain_builder *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        n += i == 0 || b->rows[i].high != b->rows[i - 1].high ||
             b->rows[i].tag != b->rows[i - 1].tag;
    return n;
}

static enum err lay_keys(struct set_domain_builder *b, struct laying *l, uint64_t *n_memberships)
{
    uint16_t members[MEMBERS_MAX];
    for (size_t i = 0; i < b->n;) {
        const struct row *first = &b->rows[i];
        size_t n = 0;
        for (; i < b->n && b->rows[i].high == first->high && b->rows[i].tag == first->tag; i++)
            if (n == 0 || members[n - 1] != b->rows[i].member) {
                if (n == MEMBERS_MAX)
                    return ERR_LIMIT;
                members[n++] = b->rows[i].member;
            }
        uint16_t set = 0;
        enum err e = set_number(l, str_make(members, n * sizeof *members), &set);
        if (e != OK)
            return e;
        place(l, first, set);
        mark(l, first);
        *n_memberships += n;
    }
    return OK;
}

#define PARTS 7

static void lay_out(struct laying *l, struct str part[PARTS], const struct set_domain_builder *b)
{
    part[0] = str_make(l->lines, l->h.n_lines * sizeof *l->lines);
    part[1] = str_make(l->buckets, l->h.n_buckets * sizeof *l->buckets);
    part[2] = buf_str(&l->offsets);
    part[3] = buf_str(&l->sets);
    part[4] = buf_str(&b->rows_of_patterns);
    part[5] = buf_str(&b->patterns);
    part[6] = buf_str(&b->names);
    uint64_t at[PARTS + 1] = {sizeof l->h};
    for (size_t i = 0; i < PARTS; i++)
        at[i + 1] = at[i] + part[i].n;
    l->h.set_offsets_at = at[2];
    l->h.sets_at = at[3];
    l->h.expressions_at = at[4];
    l->h.names_at = at[6];
    l->h.n_bytes = at[PARTS];
}

static enum err write_out(struct laying *l, const struct set_domain_builder *b,
                          enum err (*write)(void *ctx, struct str bytes), void *ctx)
{
    struct str part[PARTS];
    lay_out(l, part, b);
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return ERR_NOMEM;
    XXH3_64bits_reset(state);
    for (size_t i = 0; i < PARTS; i++)
        if (part[i].n)
            XXH3_64bits_update(state, part[i].p, part[i].n);
    l->h.checksum = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    l->h.header_checksum = 0;
    l->h.header_checksum = XXH3_64bits(&l->h, sizeof l->h);
    enum err e = write(ctx, str_make(&l->h, sizeof l->h));
    for (size_t i = 0; i < PARTS && e == OK; i++)
        e = part[i].n ? write(ctx, part[i]) : OK;
    return e;
}

static enum err laying_init(struct laying *l, const struct set_domain_builder *b)
{
    *l = (struct laying){0};
    memcpy(l->h.magic, LAYOUT_MAGIC, sizeof l->h.magic);
    l->h.seed = b->seed;
    l->h.n_keys = count_keys(b);
    l->h.n_buckets = l->h.n_keys * 100 / (LAYOUT_SLOTS * LOAD_PERCENT) + 1;
    l->h.n_lines = l->h.n_keys * LAYOUT_FILTER_BITS / (8 * sizeof *l->lines) + 1;
    l->h.n_expressions = (uint32_t)(b->rows_of_patterns.n / sizeof(struct layout_expression));
    memcpy(l->h.net_bits, b->net_bits, sizeof l->h.net_bits);
    l->h.n_categories = b->n_categories;
    l->h.has_single_labels = b->has_single_labels;
    buf_init(&l->offsets, (size_t)1 << 20);
    buf_init(&l->sets, (size_t)256 << 20);
    map_init(&l->known);
    uint32_t zero = 0;
    buf_add(&l->offsets, str_make(&zero, sizeof zero));
    l->lines = calloc(l->h.n_lines, sizeof *l->lines);
    l->buckets = calloc(l->h.n_buckets, sizeof *l->buckets);
    return l->lines && l->buckets && !l->offsets.failed ? OK : ERR_NOMEM;
}

static void laying_fini(struct laying *l)
{
    free(l->lines);
    free(l->buckets);
    buf_fini(&l->offsets);
    buf_fini(&l->sets);
    map_fini(&l->known);
}

enum err set_domain_builder_finish(struct set_domain_builder *b,
                                   enum err (*write)(void *ctx, struct str bytes), void *ctx,
                                   struct set_domain_stats *stats)
{
    struct laying l;
    uint64_t n_memberships = 0;
    enum err e = sort_rows(b);
    if (e != OK)
        return e;
    e = laying_init(&l, b);
    if (e == OK)
        e = lay_keys(b, &l, &n_memberships);
    free(b->rows);
    b->rows = NULL;
    if (e == OK)
        e = l.sets.failed ? ERR_NOMEM : write_out(&l, b, write, ctx);
    if (e == OK && stats)
        *stats = (struct set_domain_stats){n_memberships, l.h.n_keys, l.h.n_sets, l.h.n_bytes};
    laying_fini(&l);
    b->n = b->cap = 0;
    return e;
}
