/* admit: may this connection, this request, this user's request begin, as far as the bounds of
 * settings.traffic go? Asked when a connection is accepted and when a head is complete, before
 * identity, names and the policy cost anything; a user's bounds once the user is known. What may
 * begin is counted until it ends; what may not is answered at once: 429 for who is over bounds of
 * his own, 503 when everybody together is, both with Retry-After and a record.
 * What the proxy answers itself (the PAC file, /why) is not judged. Without a bound in the settings
 * a request costs one branch here. Threads: one worker; the accounts are shared (limits.h). */
#ifndef PROXYD_FLOW_ADMIT_H
#define PROXYD_FLOW_ADMIT_H

#include "base/cidr.h"
#include "proxyd/flow/request.h"

struct limits_account;

enum admit_word {
    ADMIT_OK,
    ADMIT_FULL,        /* as many connections as there may be */
    ADMIT_RATE,        /* too many new ones a second */
    ADMIT_CLIENT,      /* this client has as many as it may */
    ADMIT_MEMORY,      /* what runs holds as much as it may */
    ADMIT_DESCRIPTORS, /* the table of the process is nearly full */
};

/* A connection of this client. OK: counted, *account is held (NULL: a PROXY header will tell who it
 * is) until admit_gone. */
enum admit_word admit_connection(struct worker *w, const struct ip *client, unsigned listener,
                                 struct limits_account **account);
/* The PROXY header has told who it is. Over its bound the first request is refused. */
void admit_named(struct conn *c);
void admit_gone(struct worker *w, struct limits_account *account, struct limits_account *user);

/* May one more request begin, as far as memory goes? What runs on this worker has its part of it.
 */
bool admit_has_memory(const struct worker *w);

/* The head is complete. The next state: DECIDE, PACE, or PAGE. */
enum request_state admit_request(struct request *r);
/* The user is known: the same. */
enum request_state admit_user(struct request *r);
void admit_tunnel(struct request *r); /* the tunnel stands: no longer a request that runs */
void admit_over(struct request *r);   /* harmless when nothing is counted */

/* The bounds of the connection's client; NULL: exempt. */
const struct traffic_bounds *admit_bounds(struct conn *c, const struct traffic *t);

#endif
