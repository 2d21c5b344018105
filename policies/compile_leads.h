/* compile_leads: what leads to a rule: one of its keys or who asks, and the words of rules each
 * value leads to. Used by compile only, after compile_keys_all. */
#ifndef POLICIES_COMPILE_LEADS_H
#define POLICIES_COMPILE_LEADS_H

#include "policies/snapshot_layout.h"

/* ERR_NOMEM. */
enum err compile_leads_all(struct snapshot *s) MUST_CHECK;

#endif
