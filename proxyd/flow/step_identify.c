/* step_identify: who is it? Credentials that came with the request are asked about; without any, or
 * with wrong ones, the client is told to log in (407). Nobody is asked for a name unless the
 * verdict depends on it. */
#include "proxyd/flow/step_identify.h"

#include "proxyd/flow/admit.h"
#include "proxyd/flow/context.h"

static void on_done(struct identity_ask *a, void *owner)
{
    struct work *k = LIST_ENTRY(a, struct work, ask);
    (void)owner;
    k->is_asking = false;
    request_run(k->r);
}

void step_identify_cancel(struct request *r)
{
    identity_cancel(&r->k->ask);
}

static enum request_state known(struct request *r)
{
    struct work *k = r->k;
    const struct identity_person *p = k->ask.person;
    k->user = p->name;
    k->groups = p->groups;
    k->n_groups = p->n_groups;
    k->facts.user = p->name;
    k->group_paths = p->group_paths;
    k->facts.groups = p->groups;
    k->facts.group_paths = p->group_paths;
    k->facts.n_groups = p->n_groups;
    k->facts.person = p->number;
    k->facts.known |= FACTS_BIT(FACTS_IDENTITY);
    return admit_user(r);
}

/* Who it is cannot be told. Nobody needed to know but the trial: the live version judges. */
static enum request_state unknown(struct request *r, enum fault f)
{
    if (!r->k->is_soft_ask)
        return request_refuse(r, f);
    r->k->is_soft_ask = false;
    return REQUEST_DECIDE;
}

static enum request_state answered(struct request *r, enum identity_result result)
{
    switch (result) {
    case IDENTITY_OK: return known(r);
    case IDENTITY_DENIED: return unknown(r, FAULT_LOGIN);
    case IDENTITY_UNAVAILABLE:
    case IDENTITY_BUSY: return unknown(r, FAULT_IDENTITY_DOWN);
    case IDENTITY_PENDING: break;
    }
    return REQUEST_IDENTIFY;
}

/* Basic credentials of the request. ERR_NOT_FOUND: none that we can use. */
static enum err credentials(const struct work *k, enum header_id field, struct auth_basic *out)
{
    struct auth_head head;
    if (!headers_has(&k->req.h, field))
        return ERR_NOT_FOUND;
    if (auth_head_parse(headers_value(&k->req.h, field), &head) != OK || head.scheme != AUTH_BASIC)
        return ERR_NOT_FOUND;
    return auth_basic_decode(head.token, out);
}

/* Asks about the credentials of a field; none are as good as wrong ones. */
static enum identity_result ask(struct request *r, enum header_id field)
{
    struct work *k = r->k;
    struct auth_basic basic;
    if (credentials(k, field, &basic) != OK)
        return IDENTITY_DENIED;
    k->ask.wake = &r->w->wake;
    k->ask.memo = &r->conn->who;
    k->ask.done = on_done;
    k->has_asked = true;
    enum identity_result result =
        identity_ask(r->w->shared->identity, &k->ask, basic.user, basic.password);
    auth_basic_wipe(&basic);
    k->is_asking = result == IDENTITY_PENDING;
    return result;
}

enum identity_result step_identify_here(struct request *r)
{
    struct work *k = r->k;
    if (k->is_asking)
        return IDENTITY_PENDING;
    return k->has_asked ? k->ask.result : ask(r, HEADER_AUTHORIZATION);
}

enum request_state step_identify(struct request *r)
{
    struct work *k = r->k;
    if (k->is_asking)
        return REQUEST_IDENTIFY;
    if (!r->w->shared->identity)
        return request_refuse(r, FAULT_IDENTITY_DOWN);
    return answered(r, k->has_asked ? k->ask.result : ask(r, HEADER_PROXY_AUTHORIZATION));
}
