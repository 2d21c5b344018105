/* guard: may this address be dialled? */
#include "proxyd/io/guard.h"

static bool is_local(const struct guard *g, const struct ip *ip)
{
    enum ip_class c = ip_classify(ip);
    if (c == IP_LOOPBACK || c == IP_UNSPECIFIED)
        return true;
    for (size_t i = 0; i < g->n_local; i++)
        if (ip_eq(&g->local[i], ip))
            return true;
    return false;
}

static bool is_own(const struct guard *g, const struct ip_port *at)
{
    for (size_t i = 0; i < g->n_own; i++) {
        const struct ip_port *o = &g->own[i];
        if (o->port != at->port)
            continue;
        /* 0.0.0.0 and :: listen on every address of the machine; any 127.x reaches a wildcard */
        if (ip_eq(&o->ip, &at->ip) ||
            ((ip_classify(&o->ip) == IP_UNSPECIFIED || ip_classify(&at->ip) == IP_UNSPECIFIED) &&
             is_local(g, &at->ip)))
            return true;
    }
    return false;
}

enum guard_word guard_judge(const struct guard *g, const struct ip_port *at)
{
    if (is_own(g, at))
        return GUARD_OWN;
    if (ip_classify(&at->ip) == IP_PUBLIC)
        return GUARD_MAY;
    for (size_t i = 0; i < g->n_allowed; i++) {
        const struct guard_net *a = &g->allowed[i];
        if ((a->port == 0 || a->port == at->port) && cidr_has(&a->net, &at->ip))
            return GUARD_MAY;
    }
    return GUARD_NOT_PUBLIC;
}
