/* compile_leads: which key of a rule leads to it, and the words of rules each value leads to. Used
 * by compile only, after compile_keys_all. */
#ifndef POLICIES_COMPILE_LEADS_H
#define POLICIES_COMPILE_LEADS_H

#include "policies/snapshot_layout.h"

/* ERR_NOMEM. */
enum err compile_leads_all(struct snapshot *s) MUST_CHECK;

#endif
