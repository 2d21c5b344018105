/* pattern_code: one compiled pattern, what it must contain, and what it has cost. Shared by all
 * policies that hold the pattern, so a new policy compiles only what is new and figures outlive a
 * swap. Caseless; bytes, not UTF. A run is bounded whatever pattern and text are: the steps allowed
 * shrink as the places a match may start at grow. Owner: reference counted (atomic).
 * Threads: any; a pattern_runner is for one at a time. */
#ifndef POLICIES_PATTERN_CODE_H
#define POLICIES_PATTERN_CODE_H

#include <stdatomic.h>

#include "policies/pattern_literals.h"

#define PATTERN_TEXT_MAX    8192   /* bytes of one pattern */
#define PATTERN_WORST_BYTES 256    /* kept of the dearest text */
#define PATTERN_WORK_MOST   80000u /* items tried before a run is given up: half a millisecond */

struct pattern_cost { /* of sampled runs; n_limited of all */
    uint64_t n_runs, n_hits, n_limited, ns, worst_ns;
    uint16_t n_worst;
    char worst[PATTERN_WORST_BYTES];
};

struct pattern_code;
struct pattern_runner;

struct pattern_fault {
    size_t offset; /* in the pattern, bytes */
    char message[120];
};

/* The text is copied. ERR_INVALID with *fault, ERR_NOMEM. */
enum err pattern_code_new(struct str text, struct pattern_fault *fault,
                          struct pattern_code **out) MUST_CHECK;
struct pattern_code *pattern_code_ref(struct pattern_code *p);
void pattern_code_unref(struct pattern_code *p); /* NULL is fine */

struct str pattern_code_text(const struct pattern_code *p); /* lives as long as p */
/* Every match contains one of these; *n 0: nothing is known. */
const struct pattern_literal *pattern_code_literals(const struct pattern_code *p, unsigned *n);

struct pattern_runner *pattern_runner_new(void); /* NULL when out of memory */
void pattern_runner_free(struct pattern_runner *r);
/* The next text: until then each pattern that was given up leaves the others a quarter of what they
 * may cost, so that all together are bounded as well. */
void pattern_runner_next(struct pattern_runner *r);

enum pattern_answer { PATTERN_NO, PATTERN_YES, PATTERN_LIMITED };

/* LIMITED: given up at a limit (and counted). is_sampled: the run is timed and entered. */
enum pattern_answer pattern_code_run(struct pattern_code *p, struct pattern_runner *r,
                                     struct str text, bool is_sampled);

/* Work of a search in text, in items of the pattern tried; most when it takes that or more. */
uint32_t pattern_code_work(struct pattern_code *p, struct pattern_runner *r, struct str text,
                           uint32_t most);

void pattern_code_cost(struct pattern_code *p, struct pattern_cost *out);

/* Whether vectorscan may be asked to sift it: no zero byte, and not refused before. */
bool pattern_code_may_scan(const struct pattern_code *p);
void pattern_code_set_unscannable(struct pattern_code *p);

/* Set once by who has looked for unbounded cost and found none. */
bool pattern_code_is_checked(const struct pattern_code *p);
void pattern_code_set_checked(struct pattern_code *p);

#endif
