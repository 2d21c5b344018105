/* step_fetch: the step of one state; see the table in request.c. Called by request_run alone. */
#ifndef PROXYD_FLOW_STEP_FETCH_H
#define PROXYD_FLOW_STEP_FETCH_H

#include "proxyd/flow/request.h"

enum request_state step_fetch(struct request *r);

#endif
