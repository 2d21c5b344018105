/* query: percent-decoding of path segments and the parameters behind '?', by ourselves, because
 * libmicrohttpd's own decoding cuts at %00. Pure. Borrows: results live in the arena.
 * Threads: safe anywhere. */
#ifndef ADMINUI_QUERY_H
#define ADMINUI_QUERY_H

#include "base/arena.h"

struct query_pair {
    struct str name, value; /* decoded; both end in a zero byte as well */
};

struct query {
    struct query_pair *pairs;
    size_t n;
};

#define QUERY_PAIRS_MAX 256

/* Decodes %XX; '+' becomes a space when is_form. ERR_INVALID: bad triplet, zero or other control
 * byte, bytes that are not UTF-8. ERR_NOMEM. */
enum err query_decode(struct str raw, bool is_form, struct arena *a, struct str *out) MUST_CHECK;

/* "a=1&b=2" without the '?'. ERR_INVALID, ERR_LIMIT (more than QUERY_PAIRS_MAX), ERR_NOMEM. */
enum err query_parse(struct str raw, struct arena *a, struct query *out) MUST_CHECK;

/* The first value of a name; false when absent. */
bool query_get(const struct query *q, const char *name, struct str *value);

#endif
