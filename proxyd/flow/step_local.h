/* step_local: the step of one state; see the table in request.c. Called by request_run alone. */
#ifndef PROXYD_FLOW_STEP_LOCAL_H
#define PROXYD_FLOW_STEP_LOCAL_H

#include "proxyd/flow/request.h"
#include "proxyd/wire/http_head.h"

enum request_state step_local(struct request *r);
/* Is it a page of ours for people, when the host is this proxy? */
bool step_local_is_page(struct str path_query);
/* Does the request end here by what it says: OPTIONS *, or OPTIONS with no stop left? */
bool step_local_is_last_stop(const struct http_head *h);

#endif
