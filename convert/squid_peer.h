/* squid_peer: one `cache_peer` line as a member of a group of parent proxies, and groups of them as
 * the settings document "upstreams" has them (db/settings_upstreams.h). Pure.
 * Borrows: the directive; texts that had to be unescaped are the arena's. */
#ifndef CONVERT_SQUID_PEER_H
#define CONVERT_SQUID_PEER_H

#include "convert/squid_config.h"

#define SQUID_PEERS_MAX 16 /* members a group may have */

enum squid_peer_select { SQUID_PEER_FIRST, SQUID_PEER_ROBIN, SQUID_PEER_HASH };

struct squid_peer {
    const struct squid_directive *line;
    struct str name, address, username, password;
    uint64_t weight;
    enum squid_peer_select select;
    bool is_default;     /* Squid asks these before those without the word */
    const char *partly;  /* what is left out of it, or NULL */
    const char *useless; /* it cannot be a member: why; NULL: it can */
};

/* Always answers; what cannot be said stands in `useless` and `partly`. */
struct squid_peer squid_peer_read(const struct squid_directive *d, struct outcome *o);

/* A group of the members of `set` (bits by place in `all`), those with `default` first. NULL: out
 * of memory. *is_exact: false when Squid would choose among them in another way. */
json_t *squid_peer_group(const struct squid_peer *all, size_t n, uint32_t set, const char *name,
                         bool *is_exact);

#endif
