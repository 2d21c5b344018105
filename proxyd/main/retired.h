/* retired: sets that were replaced but that requests may still hold. The last reference is kept
 * here, so that a policy of ten thousand rules is freed on the thread that reloads, never between
 * two requests on a worker's. Owner: reload. Threads: one at a time (reload's lock). */
#ifndef PROXYD_MAIN_RETIRED_H
#define PROXYD_MAIN_RETIRED_H

#include "proxyd/flow/policy_hold.h"

struct retired {
    struct flow_set **v;
    size_t n, cap;
};

/* The reference moves in; without memory for it, it is given back at once. NULL is fine. */
void retired_add(struct retired *r, struct flow_set *take_set);
/* Frees those that nobody else holds any more. */
void retired_sweep(struct retired *r);
void retired_fini(struct retired *r); /* gives all references back */

#endif
