/* set_url: thousands of PCRE2 patterns matched against one text in one pass. What every match of a
 * pattern must contain is looked for first, all at once (set_literal); patterns without such a
 * literal are sifted by vectorscan where they are many (pattern_scan), else run always. PCRE2 with
 * JIT has the last word on each candidate, so the meaning is PCRE2's to the letter. Every run is
 * bounded: a pattern that hits a limit counts as "no match", is counted, and is told to the caller.
 * Owner: heap. Threads: matching anywhere, one scratch at a time. */
#ifndef POLICIES_SET_URL_H
#define POLICIES_SET_URL_H

#include "base/str.h"
#include "policies/pattern_code.h"

#define SET_URL_PATTERN_MAX PATTERN_TEXT_MAX
#define SET_URL_ONE_IN      256 /* texts whose runs are timed */

struct set_url;
struct set_url_scratch;

struct set_url_fault { /* a pattern that does not compile */
    size_t index;      /* among the patterns given */
    size_t offset;     /* in the pattern, bytes */
    char message[120];
};

struct set_url_tell {
    void (*on_fault)(void *ctx, const struct set_url_fault *f);
    void *ctx;
};

/* patterns are copied where needed. Faulty ones are told to on_fault, all of them, and then the
 * answer is ERR_INVALID. ERR_NOMEM. */
enum err set_url_new(const struct str *patterns, size_t n,
                     void (*on_fault)(void *ctx, const struct set_url_fault *f), void *ctx,
                     struct set_url **out) MUST_CHECK;
/* As set_url_new; what `before` (may be NULL) holds compiled is shared with it, not made anew. */
enum err set_url_new_like(const struct str *patterns, size_t n, const struct set_url *before,
                          const struct set_url_tell *tell, struct set_url **out) MUST_CHECK;
void set_url_free(struct set_url *s); /* NULL is fine */

/* One a thread at a time. NULL when out of memory. */
struct set_url_scratch *set_url_scratch_new(const struct set_url *s);
void set_url_scratch_free(struct set_url_scratch *x);

/* Calls on_hit once for each pattern that matches, in no order. True: some pattern was given up at
 * a limit. */
bool set_url_match(const struct set_url *s, struct set_url_scratch *x, struct str text,
                   void (*on_hit)(void *ctx, uint32_t index), void *ctx);

/* How often a run was ended by a limit; taken over from the set before. */
uint64_t set_url_n_limited(const struct set_url *s);

/* --- what it costs ---------------------------------------------------------------------------- */

enum set_url_way { SET_URL_LITERAL, SET_URL_SCAN, SET_URL_ALWAYS }; /* how candidates are found */

struct set_url_cost { /* of the texts that were timed; taken over from the set before */
    uint64_t n_sampled, ns;
};

size_t set_url_count(const struct set_url *s);
struct pattern_code *set_url_code(const struct set_url *s, uint32_t index); /* borrowed */
enum set_url_way set_url_way(const struct set_url *s, uint32_t index);
void set_url_cost(const struct set_url *s, struct set_url_cost *out);

/* The pattern of a plain text in which '*' stands for anything: for globs. Appends to out; at most
 * 2 bytes a byte. Returns the length written. */
size_t set_url_from_glob(struct str glob, char *out, size_t room);

#endif
