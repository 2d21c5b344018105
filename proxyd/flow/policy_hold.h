/* policy_hold: what one request is judged and answered by: a sealed policy, the settings and the
 * PAC model of one moment. A flow_set is immutable and shared by all workers; each worker counts
 * its requests on the set in a hold of its own, so that taking a reference is a plain increment on
 * memory no other worker writes. The last request of an old set gives the worker's one shared
 * reference back. Threads: flow_set_ref/unref anywhere; holds belong to one worker. */
#ifndef PROXYD_FLOW_POLICY_HOLD_H
#define PROXYD_FLOW_POLICY_HOLD_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/list.h"
#include "pac/pac_model.h"
#include "policies/canary.h"
#include "policies/snapshot.h"
#include "proxyd/flow/settings.h"
#include "proxyd/upstream/parent.h"

struct flow_set {
    atomic_uint n_refs;
    struct snapshot *policy;    /* NULL: none published yet; requests get 503 */
    struct snapshot *trial;     /* a version on trial for some, beside the live one; NULL: none */
    struct canary *trial_scope; /* for whom; NULL without trial */
    struct pac_model *pac;      /* NULL: the PAC file is answered with 503 */
    uint64_t pac_version;
    struct parents *parents; /* NULL: none */
    struct flow_settings settings;
    struct arena arena; /* the settings' texts */
};

/* One reference for the caller. settings is copied with its texts. policy and pac: one reference
 * each moves into the set, on OK only. ERR_NOMEM. */
enum err flow_set_new(const struct flow_settings *settings, struct snapshot *take_policy,
                      struct pac_model *take_pac, uint64_t pac_version,
                      struct flow_set **out) MUST_CHECK;
/* Before the set is shared: a version on trial. One reference each moves into the set. */
void flow_set_try(struct flow_set *s, struct snapshot *take_policy, struct canary *take_scope);
/* Before the set is shared: other proxies to go through. The reference moves in. */
void flow_set_through(struct flow_set *s, struct parents *take_parents);
struct flow_set *flow_set_ref(struct flow_set *s);
void flow_set_unref(struct flow_set *s); /* NULL is fine */
/* Is the caller's reference the last one? Then nobody else can take one any more. */
bool flow_set_is_alone(const struct flow_set *s);

struct policy_hold { /* of one worker */
    struct flow_set *set;
    uint32_t n_requests; /* and one more while it is the current one */
};

struct policy_holder {
    struct policy_hold *current; /* never NULL while the worker runs */
    unsigned n_live;             /* holds that still exist */
};

/* Makes set the current one; its reference moves on OK only. ERR_NOMEM: the former stays. */
enum err policy_holder_swap(struct policy_holder *h, struct flow_set *take_set) MUST_CHECK;
void policy_holder_fini(struct policy_holder *h); /* no request holds any more */

static inline struct policy_hold *policy_hold_take(struct policy_holder *h)
{
    h->current->n_requests++;
    return h->current;
}
void policy_hold_give(struct policy_holder *h, struct policy_hold *hold);

#endif
