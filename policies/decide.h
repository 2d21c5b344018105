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

/* What the rule of this id would answer if it decided, without looking at any fact. False: there is
 * no such rule, or it is switched off or a shadow. Walks the rules: not for every request. */
bool policy_rule(const struct snapshot *s, struct str id, struct verdict *v);
/* The same for each rule with a quota: start with *at 0; false at the end. */
bool policy_each_quota(const struct snapshot *s, size_t *at, struct verdict *v);

struct slot;
/* The same with a slot of snapshot_layout.h that the caller has taken; the slot's hits stay
 * readable until its next use. For explain. */
void policy_decide_in(const struct snapshot *s, struct slot *x, const struct facts *f,
                      struct verdict *v);

#endif
