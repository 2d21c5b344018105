/* step_route: the step of one state; see the table in request.c. Called by request_run alone. */
#ifndef PROXYD_FLOW_STEP_ROUTE_H
#define PROXYD_FLOW_STEP_ROUTE_H

#include "proxyd/flow/request.h"

enum request_state step_route(struct request *r);

#endif
