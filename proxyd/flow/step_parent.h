/* step_parent: the tunnel that a parent proxy is asked for. Threads: one worker. */
#ifndef PROXYD_FLOW_STEP_PARENT_H
#define PROXYD_FLOW_STEP_PARENT_H

#include "proxyd/flow/request.h"

enum request_state step_parent(struct request *r);

#endif
