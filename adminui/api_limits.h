/* api_limits: which clients and users take most of the proxy now, and how near they are to their
 * bounds. Read from proxyd; the bounds themselves are settings. */
#ifndef ADMINUI_API_LIMITS_H
#define ADMINUI_API_LIMITS_H

#include "adminui/call.h"

void api_limits_clients(struct call *c);

#endif
