/* effects_read: the members of a rule that are effects, read strictly. Used by model alone. */
#ifndef POLICIES_EFFECTS_READ_H
#define POLICIES_EFFECTS_READ_H

#include "policies/model.h"
#include "policies/reader.h"

/* Fills rule->effects (NULL when the rule names none); rule->action and its conditions are read
 * already. Faults go to the reader's report. */
void effects_read(struct reader *r, const json_t *rule_object, struct model_rule *rule);

/* {"remember_minutes", "override", "quota", "set_headers", "safe_search", "limit", "upstream"} for
 * explain; never a hash. null for NULL. */
json_t *effects_json(const struct effects *e);

#endif
