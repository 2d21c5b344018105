/* health: asks the members of parent groups, each in its interval, whether they accept a
 * connection, and tells parent what came of it. One for the process, on a loop that no worker
 * turns. Owner: open/close. Threads: the loop's; health_set hands a set over from any thread that
 * holds the loop's mailbox (see proxyd/main/parent_watch).
 * Limit: PARENT_GROUPS_MAX x PARENT_MEMBERS_MAX probes, one connection each. */
#ifndef PROXYD_UPSTREAM_HEALTH_H
#define PROXYD_UPSTREAM_HEALTH_H

#include "proxyd/io/guard.h"
#include "proxyd/io/resolve.h"
#include "proxyd/upstream/parent.h"

struct health;

/* guard is borrowed. ERR_NOMEM, ERR_IO, ERR_INVALID (resolvers). */
enum err health_open(struct loop *l, const struct guard *guard, const struct resolve_config *names,
                     struct health **out) MUST_CHECK;
void health_close(struct health *h); /* NULL is fine */
/* From now on these are asked after; the reference moves in. NULL: nobody. On the loop's thread. */
enum err health_set(struct health *h, struct parents *take_parents) MUST_CHECK;

#endif
