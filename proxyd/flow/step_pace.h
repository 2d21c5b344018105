/* step_pace: a request over its rate waits for its turn, where the settings say "delay". It holds
 * its place in the rate already, so nobody overtakes it. Threads: one worker. */
#ifndef PROXYD_FLOW_STEP_PACE_H
#define PROXYD_FLOW_STEP_PACE_H

#include "proxyd/flow/request.h"

enum request_state step_pace(struct request *r);

#endif
