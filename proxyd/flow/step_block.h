/* step_block: the step of one state; see the table in request.c. Called by request_run alone. */
#ifndef PROXYD_FLOW_STEP_BLOCK_H
#define PROXYD_FLOW_STEP_BLOCK_H

#include "proxyd/flow/request.h"

enum request_state step_block(struct request *r);

#endif
