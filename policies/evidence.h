/* evidence: which entry of a list or of a category made a condition fit. For people, so for explain
 * only: it looks again instead of costing the hot path anything. Borrows: the answer points into
 * the snapshot or the facts. Threads: with the slot of one decision. */
#ifndef POLICIES_EVIDENCE_H
#define POLICIES_EVIDENCE_H

#include "policies/match.h"

/* The entry of the list or category `value` that these facts hit; empty for other keys. That of a
 * category lives until the next call with this slot; x->entry has its kind. */
struct str evidence_entry(const struct snapshot *s, struct slot *x, const struct facts *f,
                          enum model_key key, struct str value);

#endif
