/* parents_map: the stored settings document of parent proxies as the upstream room wants it, which
 * may not see db. Threads: one at a time. */
#ifndef PROXYD_MAIN_PARENTS_MAP_H
#define PROXYD_MAIN_PARENTS_MAP_H

#include "db/settings_upstreams.h"
#include "proxyd/upstream/parent.h"

/* One reference, or NULL in *out when there is no group. book: where the members' health is kept;
 * it outlives the set. ERR_NOMEM. */
enum err parents_map(const struct settings_upstreams *in, struct parent_book *book,
                     struct parents **out) MUST_CHECK;

#endif
