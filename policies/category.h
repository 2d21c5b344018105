/* category: which categories a host or a URL is in. One call, whatever an entry is (name, address,
 * network, URL prefix, expression) and wherever it came from: the big index that is built of all
 * lists (policies/set_domain.h), and over it the small one of what was entered by hand, whose word
 * is the stronger. The files are shared: several snapshots may hold the same mapped ones.
 * Owner: reference counted (atomic). Threads: reading is safe anywhere, one scratch at a time. */
#ifndef POLICIES_CATEGORY_H
#define POLICIES_CATEGORY_H

#include "base/str.h"
#include "policies/set_domain.h"

struct category_index; /* opened */
struct category_scratch;

struct category_file { /* a whole file, kept mapped until release(ctx) */
    struct str bytes;
    void (*release)(void *ctx); /* with the last unref; may be NULL */
    void *ctx;
};

/* Checksums are verified and expressions compiled here. An expression that does not compile is left
 * out (the import has said so). On an error the file is still the caller's. ERR_CORRUPT, ERR_NOMEM.
 */
enum err category_index_open(struct str bytes, void (*release)(void *ctx), void *ctx,
                             struct category_index **out) MUST_CHECK;
/* The same; expressions that `before` (may be NULL) has are taken over from it. */
enum err category_index_open_like(const struct category_file *f,
                                  const struct category_index *before,
                                  struct category_index **out) MUST_CHECK;
/* `under` with what was entered by hand over it. under may be NULL: nothing but that. It is
 * referenced, not taken; the file as above. */
enum err category_index_cover(struct category_index *under, const struct category_file *local,
                              struct category_index **out) MUST_CHECK;
struct category_index *category_index_ref(struct category_index *x);
void category_index_unref(struct category_index *x); /* NULL is fine */

uint32_t category_index_n(const struct category_index *x); /* categories of both */
/* Borrowed from the index. number < category_index_n. */
struct str category_index_name(const struct category_index *x, uint32_t number);
uint64_t category_index_n_keys(const struct category_index *x); /* names, URLs, networks */

/* Categories that have expressions, which only a URL tells: true for such a number. */
bool category_index_has_expressions(const struct category_index *x, uint32_t number);
/* For category_url; NULL when there are no expressions (then give NULL) or memory is out. */
struct category_scratch *category_scratch_new(const struct category_index *x, enum err *e);
void category_scratch_free(struct category_scratch *s); /* NULL is fine */

struct category_ask {
    struct str host; /* normal form */
    bool is_ip;
    uint16_t port;
    struct str url;  /* normal, or the authority of a tunnel; category_url and category_entry */
    struct str path; /* of the URL, from its '/' on */
};

/* Begins to fetch what category_host will look at: worth it when something else is done between. */
void category_prefetch(const struct category_index *x, struct str host, bool is_ip);
/* By the host alone. Replaces *out. has_urls: category_url may add to it. */
void category_host(const struct category_index *x, const struct category_ask *ask,
                   struct set_domain_hits *out);
/* By URL entries and expressions. Adds to *out, which category_host has filled for that host. True:
 * some expression was given up at a limit. */
bool category_url(const struct category_index *x, struct category_scratch *s,
                  const struct category_ask *ask, struct set_domain_hits *out);
/* Runs of expressions that were given up at a limit, the index before this one included. */
uint64_t category_n_limited(const struct category_index *x);

enum category_kind {
    CATEGORY_NAME,
    CATEGORY_ADDRESS,
    CATEGORY_NET,
    CATEGORY_URL,
    CATEGORY_PATTERN
};
#define CATEGORY_ENTRY_BYTES 2304

struct category_entry { /* the entry behind a hit */
    enum category_kind kind;
    bool is_local;      /* entered by hand */
    struct str pattern; /* CATEGORY_PATTERN: borrowed from the index */
    size_t n;
    char text[CATEGORY_ENTRY_BYTES]; /* the others, as the list has it (n bytes) */
};

/* Why is it in that category? The nearest entry: what was entered by hand, then the longest name,
 * network or URL, then an expression. url empty: by the host alone. False: it is not. Slow. */
bool category_entry(const struct category_index *x, struct category_scratch *s,
                    const struct category_ask *ask, struct str name, struct category_entry *out);
struct str category_entry_text(const struct category_entry *e); /* borrowed from e and the index */
const char *category_kind_name(enum category_kind k); /* domain, ip, network, url, expression */

#endif
