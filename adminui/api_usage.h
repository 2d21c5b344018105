/* api_usage: which rules decide anything at all, from the roll-ups. */
#ifndef ADMINUI_API_USAGE_H
#define ADMINUI_API_USAGE_H

#include "adminui/call.h"

void api_usage_rules(struct call *c);

#endif
