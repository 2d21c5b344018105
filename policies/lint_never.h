/* lint_never: rules that no request can fit, each looked at alone. Used by lint. */
#ifndef POLICIES_LINT_NEVER_H
#define POLICIES_LINT_NEVER_H

#include "policies/lint_list.h"

/* Tells of them and fills x->life. */
void lint_never(struct lint_view *x);

#endif
