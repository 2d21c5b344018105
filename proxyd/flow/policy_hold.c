/* policy_hold: sets shared by all, holds counted by each worker alone. */
#include "proxyd/flow/policy_hold.h"

#include <stdlib.h>

#include "base/must.h"

#define N_TEXTS 4

enum err flow_set_new(const struct flow_settings *settings, struct snapshot *take_policy,
                      struct pac_model *take_pac, uint64_t pac_version, struct flow_set **out)
{
    struct flow_set *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    arena_init(&s->arena, 1024, (size_t)128 * 1024);
    s->settings = *settings;
    struct str *texts[N_TEXTS] = {&s->settings.node, &s->settings.realm, &s->settings.contact,
                                  &s->settings.note};
    for (size_t i = 0; i < N_TEXTS; i++) {
        *texts[i] = arena_str(&s->arena, *texts[i]);
        if (!texts[i]->p) {
            arena_fini(&s->arena);
            free(s);
            return ERR_NOMEM;
        }
    }
    if (traffic_copy(&settings->traffic, &s->arena, &s->settings.traffic) != OK ||
        privacy_settings_copy(&settings->privacy, &s->arena, &s->settings.privacy) != OK) {
        arena_fini(&s->arena);
        free(s);
        return ERR_NOMEM;
    }
    s->policy = take_policy;
    s->pac = take_pac;
    s->pac_version = pac_version;
    atomic_init(&s->n_refs, 1);
    *out = s;
    return OK;
}

void flow_set_try(struct flow_set *s, struct snapshot *take_policy, struct canary *take_scope)
{
    must(s->policy && !s->trial);
    s->trial = take_policy;
    s->trial_scope = take_scope;
}

void flow_set_through(struct flow_set *s, struct parents *take_parents)
{
    must(!s->parents);
    s->parents = take_parents;
}

struct flow_set *flow_set_ref(struct flow_set *s)
{
    atomic_fetch_add_explicit(&s->n_refs, 1, memory_order_relaxed);
    return s;
}

void flow_set_unref(struct flow_set *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    snapshot_unref(s->policy);
    snapshot_unref(s->trial);
    canary_unref(s->trial_scope);
    parents_unref(s->parents);
    pac_model_unref(s->pac);
    arena_fini(&s->arena);
    free(s);
}

bool flow_set_is_alone(const struct flow_set *s)
{
    return atomic_load_explicit(&s->n_refs, memory_order_acquire) == 1;
}

static void drop(struct policy_holder *h, struct policy_hold *hold)
{
    flow_set_unref(hold->set);
    free(hold);
    h->n_live--;
}

void policy_hold_give(struct policy_holder *h, struct policy_hold *hold)
{
    must(hold->n_requests > 0);
    if (--hold->n_requests == 0)
        drop(h, hold);
}

enum err policy_holder_swap(struct policy_holder *h, struct flow_set *take_set)
{
    struct policy_hold *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return ERR_NOMEM;
    fresh->set = take_set;
    fresh->n_requests = 1; /* the holder's own */
    h->n_live++;
    struct policy_hold *old = h->current;
    h->current = fresh;
    if (old)
        policy_hold_give(h, old);
    return OK;
}

void policy_holder_fini(struct policy_holder *h)
{
    if (h->current)
        policy_hold_give(h, h->current);
    h->current = NULL;
    must(h->n_live == 0);
}
