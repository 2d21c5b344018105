/* dress: what the effects of a rule change in a request's head on its way to the origin: fields set
 * or taken away, and the words of safe search. Plain HTTP only, and only when the rule was decided
 * before the request went out. Threads: one worker. */
#ifndef PROXYD_FLOW_DRESS_H
#define PROXYD_FLOW_DRESS_H

#include "proxyd/flow/request.h"
#include "proxyd/wire/http_write.h"

/* Adds to how; texts live in the request's arena. Does nothing for a rule without such effects.
 * ERR_NOMEM. */
enum err dress_request(struct request *r, struct http_forward *how) MUST_CHECK;

#endif
