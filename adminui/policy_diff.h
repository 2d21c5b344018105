/* policy_diff: what changed between two policy documents, object by object: rules by their id,
 * lists, schedules and tests by their name, the rest member by member. A rule that only stands
 * elsewhere is moved, not changed. Pure. */
#ifndef ADMINUI_POLICY_DIFF_H
#define ADMINUI_POLICY_DIFF_H

#include <jansson.h>

/* The changes[] of openapi.json's Diff; NULL: out of memory. */
json_t *policy_diff_changes(const json_t *from, const json_t *to);

#endif
