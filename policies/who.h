/* who: the part of a policy that depends on who asks, from where and when, worked out for an origin
 * and kept in the slot: two bit sets of rules, those whose who part fits and those whose who part
 * still may. Used by decide and explain. Nothing is locked: a slot serves one decision at a time.
 * Limit: WHO_BYTES a slot; an origin that is crowded out is worked out anew. */
#ifndef POLICIES_WHO_H
#define POLICIES_WHO_H

#include "policies/match.h"

#define WHO_BYTES  ((size_t)16 << 20) /* of bit sets in one slot, unless a bucket needs more */
#define WHO_MOST   4096u              /* origins in one slot */
#define WHO_BUCKET 8u                 /* places an origin may have */

/* The scratch for who in a new slot; who_fini works on a zeroed one. False when out of memory. */
bool who_init(const struct snapshot *s, struct slot *x);
void who_fini(struct slot *x);

/* Describes the origin of f and lets what is known of it come nearer, while the caller does
 * something else. Before either of the others. */
void who_begin(const struct snapshot *s, struct slot *x, const struct facts *f);
/* Points x->current at the origin of f, from the slot or made now. */
void who_find(const struct snapshot *s, struct slot *x, const struct facts *f);
/* The same, always made now, so that the hits of all who keys can be read afterwards: for explain.
 */
void who_make(const struct snapshot *s, struct slot *x, const struct facts *f);

#endif
