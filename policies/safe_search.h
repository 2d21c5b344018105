/* safe_search: how search engines and YouTube are held to their safe mode. Without opening TLS the
 * proxy dials the name that the service offers for it, while SNI and Host stay what the client
 * wrote; on plain HTTP query and header say the same. Only the hosts that search are mapped, never
 * a whole domain. Pure. Threads: safe anywhere. See: features.md 4.6. */
#ifndef POLICIES_SAFE_SEARCH_H
#define POLICIES_SAFE_SEARCH_H

#include "base/buf.h"
#include "policies/effects.h"

/* The name to dial in place of host (normal form); empty: the host itself. */
struct str safe_search_name(enum effects_safe s, struct str host);

/* What plain HTTP gets besides. */
struct safe_search_extra {
    struct str query;  /* "safe=active&ssui=on", to be added to the query; may be empty */
    struct str header; /* name of a request field to set; may be empty */
    struct str value;
};
void safe_search_extra(enum effects_safe s, struct str host, struct safe_search_extra *out);

/* path_query with the query's own members of these names taken out and `add` behind. */
void safe_search_rewrite(struct str path_query, struct str add, struct buf *out);

#endif
