/* trial: which version judges a request while one is on trial beside the live one. A network
 * decides with the first byte; people decide once they are known, before a verdict counts. Nobody
 * is asked to log in because of a trial: only credentials that came along are looked at.
 * Called by step_decide and step_identify. Threads: one worker. */
#ifndef PROXYD_FLOW_TRIAL_H
#define PROXYD_FLOW_TRIAL_H

#include "proxyd/flow/work.h"

/* The snapshot that judges r as things stand. Borrowed from the request's hold. */
static inline const struct snapshot *trial_policy(const struct request *r)
{
    const struct flow_set *set = r->hold->set;
    return r->k->is_trial ? set->trial : set->policy;
}

/* The client's address is known. */
void trial_by_network(struct request *r);
/* Who asks may be known now. */
void trial_by_person(struct request *r);
/* Would it be the version on trial if it were this person or that, and can that be learnt from what
 * came with the request? True once a request. */
bool trial_wants_person(struct request *r);

#endif
