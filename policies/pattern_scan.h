/* pattern_scan: many patterns that have no literal to look for, sifted together by vectorscan. Its
 * databases are dear to make, so they are shared with the policies after: a new set takes over the
 * databases of the one before it and makes one only of what is new; small ones are joined on the
 * way, so a scan passes few. Nothing is taken when the patterns are few, where vectorscan misses
 * matches on this machine, or without it (no HAVE_HS): then each is run by itself.
 * Owner: caller's storage, pattern_scan_fini. Threads: finding anywhere, one scratch at a time. */
#ifndef POLICIES_PATTERN_SCAN_H
#define POLICIES_PATTERN_SCAN_H

#include "policies/pattern_code.h"

#define PATTERN_SCAN_MAX 40 /* databases of one set */

struct pattern_scan_db; /* reference counted */

struct pattern_scan {
    struct pattern_scan_db *db[PATTERN_SCAN_MAX];
    uint32_t *number[PATTERN_SCAN_MAX]; /* of each pattern of a database in the set; or NONE */
    unsigned n;
};

/* wanted[i] is a pattern to sift, or NULL; the ones taken over or put in a new database become NULL
 * (unless vectorscan refuses one). before may be NULL. ERR_NOMEM. */
enum err pattern_scan_init(struct pattern_scan *s, struct pattern_code **wanted, uint32_t n,
                           const struct pattern_scan *before) MUST_CHECK;
void pattern_scan_fini(struct pattern_scan *s);

/* *out for this set; NULL where there is nothing to scan. ERR_NOMEM. */
enum err pattern_scan_scratch(const struct pattern_scan *s, void **out) MUST_CHECK;
void pattern_scan_scratch_free(void *scratch);

/* Calls on_found for each pattern that may match. */
void pattern_scan_find(const struct pattern_scan *s, void *scratch, struct str text,
                       void (*on_found)(void *ctx, uint32_t number), void *ctx);

#endif
