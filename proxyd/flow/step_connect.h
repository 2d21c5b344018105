/* step_connect: the step of one state; see the table in request.c. Called by request_run alone. */
#ifndef PROXYD_FLOW_STEP_CONNECT_H
#define PROXYD_FLOW_STEP_CONNECT_H

#include "proxyd/flow/request.h"

enum request_state step_connect(struct request *r);

#endif
