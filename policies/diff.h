/* diff: what changed between two policy documents, rule by rule, as people think of it: added,
 * removed, moved, changed (which fields). Pure. Threads: safe anywhere. */
#ifndef POLICIES_DIFF_H
#define POLICIES_DIFF_H

#include <jansson.h>

#include "base/str.h"

#define DIFF_EXAMPLES 20
#define DIFF_WHOLE    1000

/* [{"op": "added|removed|changed|moved", "kind": "rule|list|schedule|test|setting", "id", "name",
 *   "from_position": n|null, "to_position": n|null, "fields": [{"pointer", "before", "after"}]}]
 * A field that is a list of texts on both sides also has "n_added", "n_removed" and the first
 * DIFF_EXAMPLES of each as "added" and "removed"; where a side has more than DIFF_WHOLE texts,
 * before and after are null, so that a list of a million entries makes a small answer.
 * Rules are known by id, the rest by name. A rule is "moved" only when its order among the rules
 * that both documents have is another. ERR_INVALID: one of the texts is not a JSON object. */
enum err policy_diff(struct str before, struct str after, json_t **changes) MUST_CHECK;

#endif
