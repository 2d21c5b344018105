/* step_identify: the step of one state; see the table in request.c. Called by request_run alone. */
#ifndef PROXYD_FLOW_STEP_IDENTIFY_H
#define PROXYD_FLOW_STEP_IDENTIFY_H

#include "proxyd/flow/request.h"
#include "proxyd/identity/identity.h"

enum request_state step_identify(struct request *r);
/* For a page of ours: who sent it, by its Authorization field. IDENTITY_PENDING: the request is run
 * again when it is known. There is an identity. */
enum identity_result step_identify_here(struct request *r);

/* The answer is no longer wanted. */
void step_identify_cancel(struct request *r);

#endif
