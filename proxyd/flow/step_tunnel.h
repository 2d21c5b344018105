/* step_tunnel: the step of one state; see the table in request.c. Called by request_run alone. */
#ifndef PROXYD_FLOW_STEP_TUNNEL_H
#define PROXYD_FLOW_STEP_TUNNEL_H

#include "proxyd/flow/request.h"

enum request_state step_tunnel(struct request *r);

#endif
