/* set_url: thousands of PCRE2 patterns matched against one text in one pass. Vectorscan, where it
 * was there at build time, names the candidates; PCRE2 with JIT has the last word on each, so the
 * meaning is PCRE2's to the letter. Without it each pattern is run on its own. Caseless; bytes, not
 * UTF; match and depth limits bound every run: a pattern that hits one counts as "no match" and is
 * counted. Owner: heap. Threads: matching anywhere, one scratch at a time. */
#ifndef POLICIES_SET_URL_H
#define POLICIES_SET_URL_H

#include "base/str.h"

#define SET_URL_MATCH_LIMIT 100000 /* PCRE2's own steps; with JIT a bound on back-tracking */
#define SET_URL_PATTERN_MAX 8192   /* bytes of one pattern */

struct set_url;
struct set_url_scratch;

struct set_url_fault { /* a pattern that does not compile */
    size_t index;      /* among the patterns given */
    size_t offset;     /* in the pattern, bytes */
    char message[120];
};

/* patterns are copied where needed. Faulty ones are told to on_fault, all of them, and then the
 * answer is ERR_INVALID. ERR_NOMEM. */
enum err set_url_new(const struct str *patterns, size_t n,
                     void (*on_fault)(void *ctx, const struct set_url_fault *f), void *ctx,
                     struct set_url **out) MUST_CHECK;
void set_url_free(struct set_url *s); /* NULL is fine */

/* One a thread at a time. NULL when out of memory. */
struct set_url_scratch *set_url_scratch_new(const struct set_url *s);
void set_url_scratch_free(struct set_url_scratch *x);

/* Calls on_hit once for each pattern that matches, in no order. */
void set_url_match(const struct set_url *s, struct set_url_scratch *x, struct str text,
                   void (*on_hit)(void *ctx, uint32_t index), void *ctx);

/* How often a run was ended by a limit, since the set was made. */
uint64_t set_url_n_limited(const struct set_url *s);

/* The pattern of a plain text in which '*' stands for anything: for globs. Appends to out; at most
 * 2 bytes a byte. Returns the length written. */
size_t set_url_from_glob(struct str glob, char *out, size_t room);

#endif
