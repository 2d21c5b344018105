/* health: a probe per member: wait, look up, connect, tell, wait. */
#include "proxyd/upstream/health.h"

#include <stdlib.h>

#include "proxyd/io/dial.h"
#include "proxyd/upstream/check_http.h"
#include "proxyd/upstream/route.h"

#define FIRST_MS 50 /* between the first checks of two members: not all at once */

struct probe {
    struct health *h;
    const struct parent_group *group;
    const struct parent_member *member;
    struct timer next;
    struct resolve_query query;
    struct resolve_answer answer;
    struct dial dial;
    struct check_http http;
    bool is_resolving, is_dialing;
};

struct health {
    struct loop *loop;
    const struct guard *guard;
    struct resolve *names;
    struct parents *parents;
    struct probe *probes;
    size_t n;
};

static void tell(struct probe *p, enum err e)
{
    struct loop *l = p->h->loop;
    parent_checked(p->group, p->member, e, l->now_ms);
    timer_set(&l->timers, &p->next, l->now_ms + p->group->check.interval_ms);
}

static void on_answered(struct check_http *c, enum err e)
{
    tell(LIST_ENTRY(c, struct probe, http), e);
}

static void on_dialed(struct dial *d, enum err e)
{
    struct probe *p = LIST_ENTRY(d, struct probe, dial);
    p->is_dialing = false;
    if (e == OK && p->group->check.is_http) {
        p->http.on_done = on_answered;
        check_http_start(&p->http, d, &p->group->check, p->member);
        return;
    }
    dial_give_up(d);
    tell(p, e);
}

static void connect_to(struct probe *p)
{
    if (p->answer.err != OK) {
        tell(p, p->answer.err);
        return;
    }
    p->dial.loop = p->h->loop;
    p->dial.guard = p->h->guard;
    p->dial.port = p->member->port;
    p->dial.limit_ms = p->group->check.timeout_ms;
    p->dial.on_done = on_dialed;
    enum err e = dial_start(&p->dial, &p->answer);
    p->is_dialing = e == ERR_AGAIN;
    if (!p->is_dialing)
        on_dialed(&p->dial, e);
}

static void on_resolved(struct resolve_query *q, const struct resolve_answer *a)
{
    struct probe *p = LIST_ENTRY(q, struct probe, query);
    p->answer = *a;
    p->is_resolving = false;
    connect_to(p);
}

static void on_next(struct timer *t)
{
    struct probe *p = LIST_ENTRY(t, struct probe, next);
    if (p->member->host.is_ip) {
        route_literal(&p->member->host, &p->answer);
        connect_to(p);
        return;
    }
    resolve_query_init(&p->query, on_resolved);
    enum err e = resolve_ask(p->h->names, host_str(&p->member->host), &p->query, &p->answer);
    p->is_resolving = e == ERR_AGAIN;
    if (e == OK)
        connect_to(p);
    else if (e != ERR_AGAIN)
        tell(p, e);
}

static void forget(struct health *h)
{
    for (size_t i = 0; i < h->n; i++) {
        struct probe *p = &h->probes[i];
        timer_stop(&h->loop->timers, &p->next);
        if (p->is_resolving)
            resolve_cancel(&p->query);
        if (p->is_dialing)
            dial_stop(&p->dial);
        check_http_stop(&p->http);
    }
    free(h->probes);
    h->probes = NULL;
    h->n = 0;
    parents_unref(h->parents);
    h->parents = NULL;
}

static size_t count(const struct parents *p)
{
    size_t n = 0;
    for (uint16_t i = 0; p && i < p->n; i++)
        n += p->groups[i].check.interval_ms ? p->groups[i].n : 0;
    return n;
}

static void start(struct health *h, const struct parent_group *g)
{
    for (uint16_t i = 0; g->check.interval_ms && i < g->n; i++) {
        struct probe *p = &h->probes[h->n++];
        p->h = h;
        p->group = g;
        p->member = &g->members[i];
        timer_init(&p->next, on_next);
        timer_set(&h->loop->timers, &p->next, h->loop->now_ms + (int64_t)h->n * FIRST_MS);
    }
}

enum err health_set(struct health *h, struct parents *take_parents)
{
    size_t n = count(take_parents);
    struct probe *probes = n ? calloc(n, sizeof *probes) : NULL;
    if (n && !probes)
        return ERR_NOMEM;
    forget(h);
    h->parents = take_parents;
    h->probes = probes;
    for (uint16_t i = 0; take_parents && i < take_parents->n; i++)
        start(h, &take_parents->groups[i]);
    return OK;
}

enum err health_open(struct loop *l, const struct guard *guard, const struct resolve_config *names,
                     struct health **out)
{
    struct health *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    h->loop = l;
    h->guard = guard;
    enum err e = resolve_open(l, names, &h->names);
    if (e != OK) {
        free(h);
        return e;
    }
    *out = h;
    return OK;
}

void health_close(struct health *h)
{
    if (!h)
        return;
    forget(h);
    resolve_close(h->names);
    free(h);
}
