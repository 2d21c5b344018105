/* why: http://<proxy>/why, where people read why something did not work: the last refusals of the
 * address they ask from, each with its rule and, where the rule lets somebody on, the form for it.
 * Needed because a browser shows nothing of our answer to a CONNECT. Nobody is asked for a name;
 * who shares an address sees the hosts, never another's name. Threads: one worker. */
#ifndef PROXYD_FLOW_WHY_H
#define PROXYD_FLOW_WHY_H

#include "proxyd/flow/request.h"

#define WHY_PATH "/why"

enum request_state why_page(struct request *r);

/* A page of ours has refused this request by its verdict: remembered for /why. */
void why_note(struct request *r);

/* "http://<this proxy>/why?host=<host>" for a page to name, in the arena. */
struct str why_url(struct request *r);

#endif
