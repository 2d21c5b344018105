/* set_domain: the index of names: which categories a host, or a URL below a host, belongs to. One
 * flat block of bytes, made once, then only read: as categories.idx mapped by all workers, or in
 * memory for the lists of one policy document. Keys are 64-bit tags of a 128-bit keyed hash (fresh
 * seed a file, so nobody outside can aim at a collision); about 11 bytes a name, one cache line a
 * look-up for a name that is not listed. Owner: a view borrows its bytes; a builder is heap.
 * Threads: views anywhere, a builder one at a time. Limit: 65,000 categories, 65,535 different sets
 * of them, SET_DOMAIN_HITS categories in one answer. Meaning: an entry is the name and everything
 * below it; a URL entry is itself and everything below its path ("host/" is the whole host), at any
 * port unless it names one; an address entry is itself, a network all addresses in it; an exception
 * takes a name (and what is below, URLs too) out of its category, or a URL among the URL entries of
 * its category. */
#ifndef POLICIES_SET_DOMAIN_H
#define POLICIES_SET_DOMAIN_H

#include "base/str.h"

#define SET_DOMAIN_HITS       64
#define SET_DOMAIN_EXCEPTIONS 32

enum set_domain_kind {
    SET_DOMAIN_NAME, /* "example.com": normal form, as host_normalise writes it; addresses too */
    SET_DOMAIN_URL,  /* "example.com[:port]/path": host in normal form, no scheme */
    SET_DOMAIN_NET,  /* "10.0.0.0/8", as cidr_format writes it */
    SET_DOMAIN_EXCEPTION,  /* any of these that is not in the category although one above it is */
    SET_DOMAIN_EXPRESSION, /* PCRE2, caseless, on the normal URL: only kept for category.h */
};

struct set_domain_builder;

struct set_domain_stats {
    uint64_t n_memberships; /* entries given, doubles left out */
    uint64_t n_keys;        /* distinct names, URLs and networks */
    uint64_t n_sets;        /* different sets of categories */
    uint64_t n_bytes;       /* of the index */
};

/* names: of the categories, their numbers are their places; copied. ERR_NOMEM, ERR_LIMIT. */
enum err set_domain_builder_new(const struct str *names, size_t n_names,
                                struct set_domain_builder **out) MUST_CHECK;
void set_domain_builder_free(struct set_domain_builder *b); /* NULL is fine */

/* Any order, doubles are fine. 24 bytes of memory an entry until finished. ERR_NOMEM;
 * ERR_INVALID: no such category, an empty entry, a URL entry without '/', no network; ERR_LIMIT: an
 * expression of 64 KiB. */
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
    const void *filter; /* in the file, or a copy of it */
};

/* Checks header and checksum. ERR_CORRUPT. */
enum err set_domain_open(struct str bytes, struct set_domain *out) MUST_CHECK;

uint32_t set_domain_n_categories(const struct set_domain *d);
struct str set_domain_category(const struct set_domain *d, uint32_t number);
uint64_t set_domain_n_keys(const struct set_domain *d);

/* The filter as it stands in the file, so that a caller can put a copy where memory is cheap to
 * reach (large pages) and set d->filter to it; on a multiple of 64. */
struct str set_domain_filter(const struct set_domain *d);

uint32_t set_domain_n_expressions(const struct set_domain *d);
/* Borrowed from the index. */
struct str set_domain_expression(const struct set_domain *d, uint32_t i, uint16_t *category);

struct set_domain_hits {
    uint16_t category[SET_DOMAIN_HITS]; /* ascending order is not promised; no doubles */
    unsigned n;
    uint16_t taken_away[SET_DOMAIN_EXCEPTIONS]; /* categories an exception took the host out of */
    unsigned n_taken_away;
    bool has_urls; /* there are URL entries on this host or above it: ask set_domain_url as well */
};

struct set_domain_ask {
    struct str host; /* normal form */
    bool is_ip;      /* only itself and the networks it is in are looked up */
    uint16_t port;   /* URL entries that name one must name this; 0: none does */
    struct str path; /* of the normal URL, from its '/' on; not for set_domain_host */
    /* The number a category has for the asker; NULL: its own. */
    const uint16_t *number;
};

/* Replaces *out. */
void set_domain_host(const struct set_domain *d, struct str host, bool is_ip,
                     struct set_domain_hits *out);
/* Begins to fetch what set_domain_add_host will look at first; no answer yet. */
void set_domain_prefetch(const struct set_domain *d, struct str host, bool is_ip);
/* Adds to *out. What an index asked before has taken away stays away, so the one whose word is
 * stronger is asked first. */
void set_domain_add_host(const struct set_domain *d, const struct set_domain_ask *ask,
                         struct set_domain_hits *out);
/* Adds to *out, which has been filled for the same host. */
void set_domain_add_url(const struct set_domain *d, const struct set_domain_ask *ask,
                        struct set_domain_hits *out);

/* Is exactly this entry in the category (its own number)? Not for exceptions and expressions. */
bool set_domain_has(const struct set_domain *d, struct str entry, enum set_domain_kind kind,
                    uint16_t category);

#endif
