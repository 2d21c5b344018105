/* api_patterns: what URL patterns cost on live traffic; proxyd counts, this asks it. */
#ifndef ADMINUI_API_PATTERNS_H
#define ADMINUI_API_PATTERNS_H

#include "adminui/call.h"

/* GET /policy/patterns?limit=N */
void api_patterns_list(struct call *c);

#endif
