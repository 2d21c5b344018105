/* api_simulate: one imagined request judged by the engine itself, with every rule's part in it. */
#ifndef ADMINUI_API_SIMULATE_H
#define ADMINUI_API_SIMULATE_H

#include "adminui/call.h"

void api_simulate_url(struct call *c);

#endif
