/* set_domain: the index of names: which categories a host, or a URL below a host, belongs to. One
 * flat block of bytes, made once, then only read: as categories.idx mapped by all workers, or in
 * memory for the lists of one policy document. Keys are 64-bit tags of a 128-bit keyed hash (fresh
 * seed a file, so nobody outside can aim at a collision); about 10 bytes a name, one cache line a
 * look-up and level. Owner: a view borrows its bytes; a builder is heap. Threads: views anywhere, a
 * builder one at a time. Limit: 65,000 categories, 65,535 different sets of them, SET_DOMAIN_HITS
 * categories in one answer. Meaning: an entry is the name and everything below it; a URL entry is
 * itself and everything below its path ("host/" is the whole host); an address entry is itself; an
 * exception takes a name (and what is below, URLs too) out of its category. */
#ifndef POLICIES_SET_DOMAIN_H
#define POLICIES_SET_DOMAIN_H

#include "base/str.h"

#define SET_DOMAIN_HITS       64
#define SET_DOMAIN_EXCEPTIONS 32

enum set_domain_kind {
    SET_DOMAIN_NAME, /* "example.com": normal form, as host_normalise writes it; addresses too */
    SET_DOMAIN_URL,  /* "example.com/path": host in normal form, no scheme, no default port */
    SET_DOMAIN_EXCEPTION, /* a name that is not in the category although one above it is */
};

struct set_domain_builder;

struct set_domain_stats {
    uint64_t n_memberships; /* entries given, doubles left out */
    uint64_t n_keys;        /* distinct names and URLs */
    uint64_t n_sets;        /* different sets of categories */
    uint64_t n_bytes;       /* of the index */
};

/* names: of the categories, their numbers are their places; copied. ERR_NOMEM, ERR_LIMIT. */
enum err set_domain_builder_new(const struct str *names, size_t n_names,
                                struct set_domain_builder **out) MUST_CHECK;
void set_domain_builder_free(struct set_domain_builder *b); /* NULL is fine */

/* Any order, doubles are fine. 24 bytes of memory an entry until finished. ERR_NOMEM;
 * ERR_INVALID: no such category, an empty entry, a URL entry without '/'. */
enum err set_domain_builder_add(struct set_domain_builder *b, uint32_t category,
                                enum set_domain_kind kind, struct str entry) MUST_CHECK;

/* Sorts and writes the index through `write`, front to back; its error ends it. The builder is
 * empty afterwards. stats may be NULL. ERR_NOMEM, ERR_LIMIT (too many different sets). */
enum err set_domain_builder_finish(struct set_domain_builder *b,
                                   enum err (*write)(void *ctx, struct str bytes), void *ctx,
                                   struct set_domain_stats *stats) MUST_CHECK;

struct set_domain { /* a view */
    const unsigned char *base;
    size_t n_bytes;
};

/* Checks header and checksum. ERR_CORRUPT. */
enum err set_domain_open(struct str bytes, struct set_domain *out) MUST_CHECK;

uint32_t set_domain_n_categories(const struct set_domain *d);
struct str set_domain_category(const struct set_domain *d, uint32_t number);
uint64_t set_domain_n_keys(const struct set_domain *d);

struct set_domain_hits {
    uint16_t category[SET_DOMAIN_HITS]; /* ascending order is not promised; no doubles */
    unsigned n;
    uint16_t taken_away[SET_DOMAIN_EXCEPTIONS]; /* categories an exception took the host out of */
    unsigned n_taken_away;
    bool has_urls; /* there are URL entries on this host or above it: ask set_domain_url as well */
};

/* host: normal form. is_ip: only itself is looked up. Replaces *out. */
void set_domain_host(const struct set_domain *d, struct str host, bool is_ip,
                     struct set_domain_hits *out);
/* path_query: of the normal URL, from its '/' on. Adds to *out, which set_domain_host has filled
 * for the same host. */
void set_domain_url(const struct set_domain *d, struct str host, bool is_ip, struct str path_query,
                    struct set_domain_hits *out);

#endif
