/* trial: two questions to the canary's scope. */
#include "proxyd/flow/trial.h"

#include "proxyd/flow/context.h"

void trial_by_network(struct request *r)
{
    const struct flow_set *set = r->hold->set;
    if (set->trial && canary_has_network(set->trial_scope, &r->conn->client.ip))
        r->k->is_trial = true;
}

void trial_by_person(struct request *r)
{
    const struct flow_set *set = r->hold->set;
    struct work *k = r->k;
    if (!set->trial || k->is_trial || !k->user.n)
        return;
    k->is_trial = canary_has_person(set->trial_scope, k->user, k->groups, k->n_groups);
}

bool trial_wants_person(struct request *r)
{
    const struct flow_set *set = r->hold->set;
    struct work *k = r->k;
    if (!set->trial || k->is_trial || k->has_soft_asked || !r->w->shared->identity ||
        !canary_has_people(set->trial_scope) || !headers_has(&k->req.h, HEADER_PROXY_AUTHORIZATION))
        return false;
    k->has_soft_asked = k->is_soft_ask = true;
    return true;
}
