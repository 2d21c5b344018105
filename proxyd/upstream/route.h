/* route: which addresses a request may be sent to: the literal itself or the name's addresses, less
 * those the guard forbids. Directly to the server today; parent proxies will be another kind.
 * Pure. Threads: safe anywhere. */
#ifndef PROXYD_UPSTREAM_ROUTE_H
#define PROXYD_UPSTREAM_ROUTE_H

#include "base/host.h"
#include "proxyd/io/guard.h"
#include "proxyd/io/resolve.h"

/* An address literal as if it had been looked up. */
void route_literal(const struct host *h, struct resolve_answer *out);

/* Removes what may not be dialled. OK: some are left. ERR_DENIED: none; *why says which word the
 * guard had for the last. dial judges each one again right before connecting. */
enum err route_allowed(const struct guard *g, uint16_t port, struct resolve_answer *io,
                       enum guard_word *why) MUST_CHECK;

#endif
