/* squid_routes: which requests go to which parent proxy: cache_peer, cache_peer_access,
 * never_direct, always_direct and nonhierarchical_direct together, as groups and a default of the
 * settings document "upstreams", and as `upstream` of rules where it depends on the request.
 * It is all or nothing: where one line cannot be told exactly, the groups are still there, but
 * nothing is sent to them, and every line says why.
 * Limit: SQUID_ROUTES_MAX conditions. Owner: caller's storage, nothing to free. */
#ifndef CONVERT_SQUID_ROUTES_H
#define CONVERT_SQUID_ROUTES_H

#include "convert/squid_acl.h"
#include "convert/squid_peer.h"

#define SQUID_ROUTES_MAX   8 /* different conditions */
#define SQUID_ROUTES_LINES 200

struct squid_routes {
    struct squid_peer peers[SQUID_PEERS_MAX];
    size_t n_peers;
    const struct squid_directive *lines[SQUID_ROUTES_LINES]; /* all but cache_peer */
    size_t n_lines;
    bool is_all_hierarchical, prefers_direct, is_too_much;
};

/* Remembers the line when it is one of these; false: it is another. Nothing is reported yet. */
bool squid_routes_add(struct squid_routes *r, const struct squid_directive *d, struct outcome *o);

/* After all rules and the default are made: writes o->upstreams, adds to the rules, reports. */
void squid_routes_finish(struct squid_routes *r, const struct squid_acl_set *acls,
                         struct outcome *o);

#endif
