/* parent_watch: the thread on which the members of parent groups are asked whether they are there,
 * and which tells the operator when one goes or comes back, whoever noticed. One for the process.
 * Owner: start/stop. Threads: one of its own; parent_watch_set from any. */
#ifndef PROXYD_MAIN_PARENT_WATCH_H
#define PROXYD_MAIN_PARENT_WATCH_H

#include <jansson.h>

#include "base/clock.h"
#include "proxyd/flow/policy_hold.h"
#include "proxyd/io/guard.h"
#include "proxyd/io/resolve.h"

struct parent_watch;

/* All borrowed for its life. ERR_NOMEM, ERR_IO. */
struct parent_watch_parts {
    const struct clock *clock;
    const struct guard *guard;
    const struct resolve_config *names;
};
enum err parent_watch_start(const struct parent_watch_parts *p,
                            struct parent_watch **out) MUST_CHECK;
void parent_watch_stop(struct parent_watch *w); /* NULL is fine */

/* Those of this set from now on. ERR_NOMEM: the former stay. w NULL: nothing. */
enum err parent_watch_set(struct parent_watch *w, const struct flow_set *set) MUST_CHECK;

/* {"items": [{"group", "default", "address", "state": "up"|"down", "since" (null: it never
 * changed), "error", "backup", "weight", "requests", "failures", "checks", "missed"}]} of the set.
 */
json_t *parent_watch_status(const struct flow_set *set, const struct clock *clock);
/* {"groups", "groups_down" (no member is up), "members", "members_down"}: how many. */
json_t *parent_watch_summary(const struct flow_set *set);

#endif
