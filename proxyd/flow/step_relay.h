/* step_relay: the step of one state; see the table in request.c. Called by request_run alone. */
#ifndef PROXYD_FLOW_STEP_RELAY_H
#define PROXYD_FLOW_STEP_RELAY_H

#include "proxyd/flow/request.h"

enum request_state step_relay(struct request *r);

#endif
