/* disclose: what the heads we write tell of the client and of us, by the privacy mode of the
 * listener the request came in on. Resolved once per listener and set of settings; a request looks
 * at a small value. For requests to servers and to parent proxies alike, CONNECT and Upgrade
 * included; what flows inside a tunnel is not ours to change.
 * Answers: high-anonymity adds no Via and no Date to them, for a script of a page can read both
 * and tell its server. Our own pages are ours in every mode.
 * Owner: the worker holds one per listener. Threads: one worker; disclose_of anywhere.
 * See: wire/veil.h for the table. */
#ifndef PROXYD_FLOW_DISCLOSE_H
#define PROXYD_FLOW_DISCLOSE_H

#include "base/privacy.h"
#include "proxyd/flow/request.h"
#include "proxyd/flow/worker.h"
#include "proxyd/wire/http_write.h"

struct disclosure {
    struct privacy privacy;    /* the bootstrap file's word, then that of the settings */
    struct veil veil, trusted; /* of clients, and of those that are trusted */
};

struct disclosure disclose_of(const struct worker_listener *l, const struct flow_settings *s);

/* The worker's settings have changed (or are there for the first time). ERR_NOMEM. */
enum err disclose_resolve(struct worker *w) MUST_CHECK;

/* After dress_request: adds to how. Lines live in the request's arena. ERR_NOMEM. */
enum err disclose_request(struct request *r, struct http_forward *how) MUST_CHECK;

/* The lines about the client alone: Forwarded: for=192.0.2.7;proto=http and X-Forwarded-For:
 * 192.0.2.7. Nothing where the mode does not name it. */
void disclose_client(const struct request *r, struct buf *out);

/* Of answers: our pseudonym for Via, empty where none is told; and whether a missing Date is added.
 */
struct str disclose_via(const struct request *r);
bool disclose_may_date(const struct request *r);

/* Requests of different clients must not share a connection to a server where that would show that
 * both come through a proxy: 0, or a number of this client's own. Mixed into the pool's key. */
uint64_t disclose_lane(const struct request *r);

/* May the client's address be told to a parent proxy in a PROXY header, which the administrator has
 * asked for? Not where the mode hides it: then it is our own. */
bool disclose_may_name(const struct request *r);

/* Do received Via fields go on from here? If not, loops are found by hops.h. */
bool disclose_keeps_via(const struct request *r);

#endif
