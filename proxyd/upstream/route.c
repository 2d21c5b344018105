/* route: the addresses of one target. */
#include "proxyd/upstream/route.h"

void route_literal(const struct host *h, struct resolve_answer *out)
{
    *out = (struct resolve_answer){.err = OK, .n = 1};
    out->ip[0] = h->ip;
}

enum err route_allowed(const struct guard *g, uint16_t port, struct resolve_answer *io,
                       enum guard_word *why)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < io->n; i++) {
        struct ip_port at = {io->ip[i], port};
        enum guard_word w = guard_judge(g, &at);
        if (w == GUARD_MAY)
            io->ip[kept++] = io->ip[i];
        else
            *why = w;
    }
    if (kept == 0)
        return ERR_DENIED;
    io->n = kept;
    return OK;
}
