/* pattern_check: does a pattern's cost grow without bound on some text? Looks at its structure
 * first; where that leaves room for it, makes texts out of the pattern (a beginning, a part that is
 * repeated, an end that does not match) and counts PCRE2's steps on them as they grow. Only what
 * was shown is said, with the text that shows it. Deterministic; takes at most some 100 ms. Pure
 * but for memory. Threads: any. */
#ifndef POLICIES_PATTERN_CHECK_H
#define POLICIES_PATTERN_CHECK_H

#include "policies/pattern_code.h"

#define PATTERN_CHECK_TEXT 2046 /* bytes of the longest text tried */

struct pattern_witness {
    uint32_t steps;      /* for `text`, at least */
    uint32_t steps_half; /* with half as many repeats */
    unsigned times;      /* the pump is repeated */
    char pump[64];       /* zero-terminated */
    size_t n;
    char text[PATTERN_CHECK_TEXT];
};

#define PATTERN_CHECK_STEPS 24000000u /* of all trials of one pattern, at most */

/* OK: nothing was found. ERR_LIMIT with *out: the cost grows faster than the square of the length,
 * up to where a run is given up. ERR_NOMEM. *budget: steps that may be spent in all; what was spent
 * is taken off, and when it is used up nothing more is tried. */
enum err pattern_check(struct pattern_code *p, uint64_t *budget,
                       struct pattern_witness *out) MUST_CHECK;

#endif
