/* flip: the smallest changes of a request that would turn the answer it got: one condition of the
 * rule that decided, or the one condition an earlier rule missed. For explain. Threads: with the
 * slot of one decision. */
#ifndef POLICIES_FLIP_H
#define POLICIES_FLIP_H

#include <jansson.h>

#include "policies/match.h"
#include "policies/verdict.h"

#define FLIP_MAX 5

/* [{"rule", "side": "when|unless"|null, "key"|null, "value"|null, "action", "text"}], nearest rule
 * first, at most FLIP_MAX; empty when the verdict is not final. Each holds for the same request
 * with that one condition changed; "rule" is the rule that would stop or start to fit, "action"
 * what would be answered. A new object; NULL when out of memory. */
json_t *flip_find(const struct snapshot *s, const struct slot *x, const struct facts *f,
                  const struct verdict *v);

#endif
