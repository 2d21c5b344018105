/* go_on: the pages on which somebody may go on although a rule warns or blocks: which form a rule
 * asks for, and what happens when it is sent. A warning wants a click, an override a reason or a
 * password. Wrong passwords make their client address wait, longer each time.
 * Threads: one worker; passwords are checked on verify's thread. */
#ifndef PROXYD_FLOW_GO_ON_H
#define PROXYD_FLOW_GO_ON_H

#include "policies/verdict.h"
#include "proxyd/flow/pages.h"
#include "proxyd/flow/request.h"

/* Fills the form of the page for this verdict, who being asked to go on to host at url; nothing for
 * a verdict that lets nobody on. ERR_NOMEM. */
struct go_on_place {
    struct str who, host, url, action;
};
enum err go_on_form(struct request *r, const struct verdict *v, const struct go_on_place *at,
                    struct pages_form_of *out) MUST_CHECK;

/* The form was sent, or the link clicked: the request's next state. Called again while it waits. */
enum request_state go_on_sent(struct request *r);
void go_on_cancel(struct request *r); /* the request ends while a password is being checked */

#endif
