/* lint: what is odd about a policy before anybody meets it: rules that can never fit, rules an
 * earlier one leaves nothing to, doubles, rules that contradict each other and which of them wins,
 * rules nobody has hit, lists nobody names. A rule called dead is dead for certain: what cannot be
 * shown is not said. Pure. Threads: anywhere. Cost: about the number of rules times those that
 * share a value with them; it stops looking for pairs at a bound and says so. */
#ifndef POLICIES_LINT_H
#define POLICIES_LINT_H

#include <jansson.h>

#include "base/report.h"
#include "policies/snapshot.h"

#define LINT_FINDINGS_MAX 1000

struct lint_use { /* how often a rule decided */
    struct str rule_id;
    uint64_t n_hits;
    int64_t last_hit_ms; /* Unix time; 0: none */
};

struct lint_input {
    int64_t now_ms;
    const struct lint_use *uses; /* any order; rules without hits need no row */
    size_t n_uses;
    int64_t counted_from_ms; /* since when hits are counted; 0: not known, no rule is called idle */
    const struct str *old_rules; /* ids of the rules that were live idle_days ago: no others are */
    size_t n_old_rules;          /* called idle */
    unsigned idle_days;
};

/* {"findings": [{"kind", "severity": "error|warning|hint", "rule"|null, "index"|null,
 *  "other_rule"|null, "other_index"|null, "pointer"|null, "text"}], "n_rules", "n_findings",
 *  "truncated"} by rule, then by kind; kinds: never, expired, unknown-category, shadowed,
 * redundant, duplicate, conflict, empty-list, idle, unused-list, unused-schedule, no-tests,
 * untested. A new object; NULL when out of memory. */
json_t *lint_document(const struct snapshot *s, const struct lint_input *in);

/* The dead rules alone (never, shadowed, redundant by another rule, duplicate), as warnings with
 * the kind as code, for the check of a document that is being edited; nothing for very large ones.
 */
void lint_warn(const struct snapshot *s, int64_t now_ms, struct report *report);

#endif
