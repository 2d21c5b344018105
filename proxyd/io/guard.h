/* guard: which addresses the proxy may connect to, judged on the address that is about to be
 * dialled: never its own listeners or the dashboard's; never loopback, link-local, metadata,
 * private or otherwise non-public ones unless the bootstrap file allows them (allow-private).
 * Pure once filled. Owner: caller's storage, the arrays are borrowed. Threads: read-only. */
#ifndef PROXYD_IO_GUARD_H
#define PROXYD_IO_GUARD_H

#include "base/cidr.h"

struct guard_net {
    struct cidr net;
    uint16_t port; /* 0: any */
};

struct guard {
    const struct ip_port *own; /* listeners of this proxy and of the dashboard */
    size_t n_own;
    const struct ip
        *local; /* addresses of this machine's interfaces: what a wildcard listener is */
    size_t n_local;
    const struct guard_net *allowed; /* although not public */
    size_t n_allowed;
};

enum guard_word { GUARD_MAY, GUARD_OWN, GUARD_NOT_PUBLIC };

enum guard_word guard_judge(const struct guard *g, const struct ip_port *at);

#endif
