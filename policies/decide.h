/* decide: the one function that judges. The live path, the tester, the replay and the policy's own
 * tests all call it on a sealed snapshot; there is no second opinion anywhere.
 * Pure: no clock (time is a fact), no lock, no log, no allocation.
 * Threads: any number at once on one snapshot. */
#ifndef POLICIES_DECIDE_H
#define POLICIES_DECIDE_H

#include "policies/snapshot.h"
#include "policies/verdict.h"

/* Judges f by s. Always answers; v->is_final is false only when a stage outside f->known could
 * still change the result. FACTS_CONNECT must be known. Cost: independent of the number of rules
 * and names. */
void policy_decide(const struct snapshot *s, const struct facts *f, struct verdict *v);

struct slot;
/* The same with a slot of snapshot_layout.h that the caller has taken; the slot's hits stay
 * readable until its next use. For explain. */
void policy_decide_in(const struct snapshot *s, struct slot *x, const struct facts *f,
                      struct verdict *v);

#endif
