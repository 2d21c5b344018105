/* match: which of the values that some rule names does a request have? Fills a slot's hits for
 * every stage that is known: match_begin, match_host, then the who keys (who.h calls match_who when
 * an origin is new), then match_request. Used by who, decide and explain. */
#ifndef POLICIES_MATCH_H
#define POLICIES_MATCH_H

#include "policies/snapshot_layout.h"

/* Forgets the hits of the last request and tells which parts are unknown. */
void match_begin(const struct snapshot *s, struct slot *x, const struct facts *f);
/* Users, groups, networks (also those of lists), listeners, schedules. */
void match_who(const struct snapshot *s, struct slot *x, const struct facts *f);
/* Categories of the host; its names are on their way. Hits no list. */
void match_host(const struct snapshot *s, struct slot *x, const struct facts *f);
/* The rest of the request's own keys. */
void match_request(const struct snapshot *s, struct slot *x, const struct facts *f);

/* The number of a value of a key by its text, or NO_VALUE. */
uint32_t match_value(const struct snapshot *s, enum model_key key, struct str text);

static inline void match_hit(struct slot *x, unsigned key, uint32_t value)
{
    struct hit_list *h = &x->hits[key];
    if (h->epoch[value] == x->epoch)
        return;
    h->epoch[value] = x->epoch;
    h->ids[h->n++] = value;
}

/* Is the value among the hits? */
static inline bool match_has(const struct slot *x, enum model_key key, uint32_t value)
{
    return x->hits[key].epoch[value] == x->epoch;
}

/* Of a normal URL, what is behind "scheme://host[:port]"; "/" for the bare authority of a tunnel.
 */
struct str match_path(struct str url);

#endif
