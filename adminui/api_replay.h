/* api_replay: POST /replay, a past period against a policy. */
#ifndef ADMINUI_API_REPLAY_H
#define ADMINUI_API_REPLAY_H

#include "adminui/call.h"

void api_replay_post(struct call *c);

#endif
