/* rule: one rule judged on its own, condition by condition, for people to read. Uses the same hits
 * as decide; written the plain way, so that it is also a check on decide's bit sets. */
#ifndef POLICIES_RULE_H
#define POLICIES_RULE_H

#include "policies/match.h"

enum rule_fit { RULE_NO, RULE_UNKNOWN, RULE_YES };

struct rule_condition {
    enum model_side side;
    enum model_key key;
    enum rule_fit fit;
    struct str value;       /* the entry that fits; empty: none does */
    enum facts_stage needs; /* when fit is RULE_UNKNOWN */
};

const char *rule_fit_name(enum rule_fit f); /* "no" "unknown" "yes" */

/* One condition of a rule, which must have it. The slot holds the hits of the request. */
void rule_condition_fit(const struct snapshot *s, const struct slot *x, const struct model_rule *r,
                        struct rule_condition *c);
/* The whole rule; switched off or expired is RULE_NO. *needs is written for RULE_UNKNOWN. */
enum rule_fit rule_fit(const struct snapshot *s, const struct slot *x, const struct model_rule *r,
                       int64_t now_ms, enum facts_stage *needs);

#endif
