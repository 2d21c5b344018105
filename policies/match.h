/* match: which of the values that some rule names does a request have? Fills a slot's hits for
 * every stage that is known. Used by decide and explain. */
#ifndef POLICIES_MATCH_H
#define POLICIES_MATCH_H

#include "policies/snapshot_layout.h"

void match_facts(const struct snapshot *s, struct slot *x, const struct facts *f);

/* Is the value among the hits? */
static inline bool match_has(const struct slot *x, enum model_key key, uint32_t value)
{
    return x->hits[key].epoch[value] == x->epoch;
}

#endif
