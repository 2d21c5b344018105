/* explain_text: conditions and verdicts as sentences that a person at a help desk can read out.
 * Used by explain and flip. Threads: anywhere. */
#ifndef POLICIES_EXPLAIN_TEXT_H
#define POLICIES_EXPLAIN_TEXT_H

#include "base/buf.h"
#include "policies/rule.h"
#include "policies/verdict.h"

struct explain_evidence { /* behind a condition that fits; empty: there is none to tell */
    struct str entry;     /* of the list or category */
    struct str path;      /* how the user is in the group, "all<eng<team"; empty: directly */
};

/* "the host is in the category games (by its entry poker.test)", "the user is in none of the 3
 * groups named", "who it is is not known yet". */
void explain_text_condition(struct buf *out, const struct model_rule *r,
                            const struct rule_condition *c, const struct explain_evidence *e);

/* "the host were in the category games or one of 3 more", "the host were not in ...": what would
 * have to be otherwise for the condition to turn. */
void explain_text_otherwise(struct buf *out, const struct model_rule *r,
                            const struct rule_condition *c);

/* "Blocked", "Allowed", "Answered with a warning" ... */
const char *explain_text_done(enum verdict_action a);
/* "blocked", "allowed", "met with a warning" ... */
const char *explain_text_would(enum verdict_action a);
/* "who asks", "the full URL" ... */
const char *explain_text_stage(enum facts_stage s);

#endif
