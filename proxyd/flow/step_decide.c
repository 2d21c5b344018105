/* step_decide: asks the policy with what is known, and goes where its verdict says: to the dearer
 * fact it needs, or on. Come back to whenever a fact has been learnt. */
#include "proxyd/flow/step_decide.h"

#include <string.h>

#include "policies/safe_search.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/grant.h"
#include "proxyd/flow/meter.h"
#include "proxyd/flow/trial.h"
#include "proxyd/flow/way.h"
#include "proxyd/upstream/route.h"

static void fill_facts(struct request *r)
{
    struct work *k = r->k;
    struct facts *f = &k->facts;
    const struct http_head *h = &k->req;
    f->known = FACTS_BIT(FACTS_CONNECT) | FACTS_BIT(FACTS_TARGET);
    f->listener = k->listener;
    f->client = r->conn->client.ip;
    f->now_ms = r->w->loop.wall_ms - (r->w->loop.now_ms - r->began_ms); /* as recorded */
    f->method = k->method;
    f->host = k->host;
    k->dial_host = k->host;
    k->dial_port = h->url.port;
    f->host_is_ip = h->url.host.is_ip;
    f->host_ip = h->url.host.ip;
    f->port = h->url.port;
    f->user_agent = k->user_agent;
    f->url = k->url;
    f->size_bytes = UINT64_MAX;
    if (h->method == HTTP_CONNECT) {
        f->scheme = FACTS_TUNNEL;
    } else {
        f->scheme = FACTS_HTTP;
        f->known |= FACTS_BIT(FACTS_URL);
    }
    if (h->url.host.is_ip) {
        f->server = h->url.host.ip;
        f->known |= FACTS_BIT(FACTS_ADDRESS);
        route_literal(&h->url.host, &k->answer);
        k->has_addresses = true;
    }
    trial_by_network(r);
    if (snapshot_identity(trial_policy(r)) == SNAPSHOT_NEVER)
        f->known |= FACTS_BIT(FACTS_IDENTITY);
    k->has_facts = true;
}

/* Where a name has several addresses, only those are dialled that the policy judges like the one it
 * was asked about: the verdict holds for the address dialled. */
static void keep_judged_addresses(struct request *r)
{
    struct work *k = r->k;
    if (!(k->facts.known & FACTS_BIT(FACTS_ADDRESS)) || k->answer.n < 2)
        return;
    struct facts f = k->facts;
    struct verdict v;
    unsigned kept = 1;
    for (unsigned i = 1; i < k->answer.n; i++) {
        f.server = k->answer.ip[i];
        policy_decide(trial_policy(r), &f, &v);
        if (v.is_final == k->verdict.is_final && v.action == k->verdict.action)
            k->answer.ip[kept++] = k->answer.ip[i];
    }
    k->answer.n = kept;
}

static enum request_state allowed(struct request *r)
{
    struct work *k = r->k;
    keep_judged_addresses(r);
    return k->has_answer ? REQUEST_RELAY : REQUEST_ROUTE;
}

/* Safe search: another name is dialled than the one asked for. What the policy judged of addresses
 * was of the other one; where it leads is the service's own. */
static void dial_safely(struct request *r)
{
    struct work *k = r->k;
    struct str name = safe_search_name(k->verdict.effects->safe_search, k->host);
    if (name.n == 0 || k->has_answer)
        return;
    k->dial_host = name;
    k->has_addresses = false;
    k->facts.known &= ~FACTS_BIT(FACTS_ADDRESS);
}

/* Lets it through by a rule's effects: within the allowance, at the speed. */
static enum request_state passed(struct request *r)
{
    struct work *k = r->k;
    enum quota_word left = QUOTA_LEFT;
    if (!k->verdict.effects && !r->hold->set->settings.traffic.is_measured)
        return allowed(r);
    if (meter_open(r, &left) != OK)
        return request_refuse(r, FAULT_BUSY);
    if (left != QUOTA_LEFT) {
        r->effect = meter_effect(left);
        verdict_spend(&k->verdict, true);
        return REQUEST_PAGE;
    }
    if (k->verdict.effects)
        dial_safely(r);
    return allowed(r);
}

static enum request_state final(struct request *r)
{
    struct work *k = r->k;
    k->is_final = true;
    switch (k->verdict.action) {
    case VERDICT_ALLOW: return passed(r);
    case VERDICT_WARN:
    case VERDICT_OVERRIDE: {
        enum grant_how how = grant_of(r);
        if (how == GRANT_NONE)
            return REQUEST_PAGE;
        r->effect = grant_effect(how);
        r->verdict = RECORD_WARNED;
        return passed(r);
    }
    case VERDICT_BLOCK:
    case VERDICT_REDIRECT: return REQUEST_PAGE;
    }
    return REQUEST_PAGE;
}

/* The state in which the wanted stage is learnt; DECIDE: it cannot be learnt, ask again. */
static enum request_state learn(struct request *r, enum facts_stage stage)
{
    struct work *k = r->k;
    switch (stage) {
    case FACTS_IDENTITY: return REQUEST_IDENTIFY;
    case FACTS_ADDRESS:
        if (k->has_answer && k->parent) { /* what has been dialled is not the server */
            way_aim_at_server(k);
            return REQUEST_RESOLVE;
        }
        if (k->has_answer) { /* it has been dialled: that one counts, whatever names say now */
            k->facts.server = k->upstream_at.ip;
            break;
        }
        if (!k->has_addresses)
            return REQUEST_RESOLVE;
        k->facts.server = k->answer.ip[0];
        break;
    case FACTS_URL: return REQUEST_INSPECT;
    case FACTS_ANSWER:
        if (k->req.method != HTTP_CONNECT && !k->has_answer) {
            k->is_judging_answer = true;
            return meter_open_traffic(r) == OK ? allowed(r) : request_refuse(r, FAULT_BUSY);
        }
        break;
    case FACTS_CONTENT: /* nothing looks into bodies: known to be unknown */
    case FACTS_CONNECT:
    case FACTS_TARGET:
    case FACTS_N_STAGES: break;
    }
    k->facts.known |= FACTS_BIT(stage);
    return REQUEST_DECIDE;
}

enum request_state step_decide(struct request *r)
{
    struct work *k = r->k;
    if (!k->has_facts)
        fill_facts(r);
    trial_by_person(r);
    const struct snapshot *policy = trial_policy(r);
    /* nothing opens TLS today, so what is inside will never be known: the policy is told before it
     * asks for anything dear, or a rule on paths would cost every tunnel a login */
    if (k->req.method == HTTP_CONNECT && !(k->facts.known & FACTS_BIT(FACTS_URL)))
        return REQUEST_INSPECT;
    if (!(k->facts.known & FACTS_BIT(FACTS_IDENTITY)) &&
        (snapshot_identity(policy) == SNAPSHOT_ALWAYS || trial_wants_person(r)))
        return REQUEST_IDENTIFY;
    for (int i = 0; i <= FACTS_N_STAGES; i++) {
        policy_decide(policy, &k->facts, &k->verdict);
        if (k->verdict.is_final)
            return final(r);
        enum request_state next = learn(r, k->verdict.needs);
        if (next != REQUEST_DECIDE)
            return next;
    }
    return request_refuse(r, FAULT_MEMORY); /* a verdict that is never final: our mistake */
}
