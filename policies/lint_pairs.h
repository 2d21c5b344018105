/* lint_pairs: rules that an earlier one leaves nothing to, doubles, and rules against each other.
 * Used by lint, after lint_never. */
#ifndef POLICIES_LINT_PAIRS_H
#define POLICIES_LINT_PAIRS_H

#include "policies/lint_list.h"

/* Tells of them and marks the former in x->life. */
void lint_pairs(struct lint_view *x);

#endif
