/* compile_effects: which rules do exactly the same, so that a fact which could only turn one of
 * them into another need not be asked for. Used by compile only. */
#ifndef POLICIES_COMPILE_EFFECTS_H
#define POLICIES_COMPILE_EFFECTS_H

#include "policies/snapshot_layout.h"

/* Numbers the effects: s->effect of each rule and, behind them, of the default. ERR_NOMEM. */
enum err compile_effects(struct snapshot *s) MUST_CHECK;

#endif
