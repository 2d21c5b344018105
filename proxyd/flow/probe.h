/* probe: a request of a privacy test. proxyd itself sends it through a listener, and it must
 * reach the echo socket that proxyd has opened for it on loopback, where the guard lets nobody.
 * So the guard is left as it is, and the exception is the request's alone: it is known by a name
 * that does not exist in the world and a random token of 128 bits, of this one test; it is taken
 * by the first that brings it, on the listener it was made for, before a time; and the address it
 * may reach is none of its own choosing but the socket's. Whoever guesses nothing gets nothing: any
 * other request for that name is judged like every request, and ends at a name that is not found.
 * (An exception in the guard would have stood open, for however short, to every client at once.)
 * A CONNECT carries the token in front of the name; the echo socket is its parent proxy then.
 * Such a request is asked for no login and judged by no rule: what it tells is not a matter of
 * policy; everything else is the way of all requests, and it leaves its record.
 * Owner: worker_shared. Threads: safe anywhere; the lock is taken for that name only. */
#ifndef PROXYD_FLOW_PROBE_H
#define PROXYD_FLOW_PROBE_H

#include <pthread.h>

#include "base/cidr.h"
#include "proxyd/flow/request.h"

#define PROBE_HOST        "privacy-test.invalid"
#define PROBE_TOKEN_BYTES 32 /* as text */

struct probe {
    pthread_mutex_t lock;
    bool is_armed;
    char token[PROBE_TOKEN_BYTES];
    unsigned listener;
    struct ip_port echo;
    int64_t until_ms; /* monotonic */
};

void probe_init(struct probe *p);
void probe_fini(struct probe *p);

/* What a test waits for. ERR_BUSY: another waits still. ERR_IO: no randomness. */
struct probe_order {
    unsigned listener;   /* index */
    struct ip_port echo; /* where the request goes */
    int64_t now_ms, until_ms;
};
enum err probe_arm(struct probe *p, const struct probe_order *o,
                   char token[PROBE_TOKEN_BYTES]) MUST_CHECK;
void probe_disarm(struct probe *p, const char token[PROBE_TOKEN_BYTES]); /* if it waits still */

/* Is it the one? Then it is taken, and *echo is where it goes; never twice. */
bool probe_take(struct probe *p, const struct request *r, struct ip_port *echo);

/* For step_head: is r the request of the test? Then its way is set, and nobody is asked. */
bool probe_is(struct request *r);

#endif
