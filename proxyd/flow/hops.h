/* hops: how a request that comes round in a circle is found where Via does not tell: on listeners
 * that drop the Via fields that came (wire/veil.h). While a request is in a circle, every pass
 * through us waits for the next one; so equal requests of one client address (the hop before us)
 * pile up, and nothing else piles them up like that. Each is counted while it is under way, under
 * a keyed hash of client, method, URL and the fields that name the person; one too many is refused
 * like any loop. Nothing is sent for it, so nothing leaks, and it does not matter which other
 * proxies stand in the circle. A circle to ourselves alone ends at the guard before that.
 * Two rows of counters stand for the hashes: collisions can only count too much, and both rows
 * must. Owner: hops_new, hops_free. Threads: safe anywhere, no lock. Limit: HOPS_MAX equal requests
 * of one client at once; a load generator that sends more of them to such a listener sees 508. */
#ifndef PROXYD_FLOW_HOPS_H
#define PROXYD_FLOW_HOPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define HOPS_MAX 100

struct hops;
struct request;

enum err hops_new(struct hops **out) MUST_CHECK; /* ERR_NOMEM, ERR_IO: no randomness */
void hops_free(struct hops *h);                  /* NULL is fine */

/* key: of the request. True: it may go on and is counted until hops_leave; false: too many. */
bool hops_enter(struct hops *h, uint64_t key);
void hops_leave(struct hops *h, uint64_t key);

/* The head is complete: counts the request where its listener drops Via. False: a loop. */
bool hops_enter_request(struct request *r);
/* It ends or becomes a tunnel; does nothing when it was not counted. */
void hops_leave_request(struct request *r);

#endif
