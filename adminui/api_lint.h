/* api_lint: what is odd about the draft (policies/lint.h), with what its rules have decided lately.
 * Threads: as the call. */
#ifndef ADMINUI_API_LINT_H
#define ADMINUI_API_LINT_H

#include "adminui/call.h"

void api_lint_draft(struct call *c);

#endif
