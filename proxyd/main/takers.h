/* takers: who takes how much of the proxy just now, for administrators: the clients and users
 * nearest to their bounds, over the control socket; and the messages when the proxy begins to turn
 * requests away for everybody's sake, or for want of descriptors or memory, and when it ends.
 * Threads: the first two any; takers_look one thread, the same each time. */
#ifndef PROXYD_MAIN_TAKERS_H
#define PROXYD_MAIN_TAKERS_H

#include <jansson.h>

#include "proxyd/main/workers.h"

struct wiring;

/* {"do": "limits-clients", "limit"?} -> {"ok", "items", "truncated", "table"} */
json_t *takers_clients(void *ctx, const json_t *request);
/* For the status: {"connections", "requests", "clients_with_requests", "shed", "is_shedding",
 * "short", "is_short", "accounts"} */
json_t *takers_status(const struct workers *w);

#define TAKERS_CALM_MS 10000 /* so long nothing was turned away: it has ended */

struct takers_watch { /* zeroed at first */
    bool is_shedding;
    uint64_t n_before, n_at_begin;
    int64_t began_ms, last_ms;
};

/* Now and then: n_shed is what has been turned away since the start. Pure but for x. */
enum takers_news { TAKERS_NOTHING, TAKERS_BEGUN, TAKERS_ENDED };
enum takers_news takers_look(struct takers_watch *x, uint64_t n_shed, int64_t now_ms);

/* What all workers have turned away because everybody together was over. */
uint64_t takers_n_shed(const struct workers *w);
/* How often a descriptor or memory was missing. */
uint64_t takers_n_short(const struct workers *w);
/* The same for these workers: the messages, and w->is_shedding and w->is_short for the status. */
void takers_watch(struct takers_watch *shed, struct takers_watch *shortage, struct workers *w,
                  int64_t now_ms);

#endif
