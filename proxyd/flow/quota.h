/* quota: what a person has used of a rule's daily allowance, counted on an account of the ledger.
 * A minute counts once, when anything is transferred in it; bytes count both ways. The day begins
 * at midnight of the quota's zone. In the account: count = minutes used in the high half, the last
 * minute counted (Unix time / 60 s) in the low one; bytes; until_ms = the end of the day, from
 * which everything is zero again.
 * Threads: any number on one account; only the first use on a new day takes a lock. Time is
 * passed in. A clock that is behind by less than a day, or of another worker, counts in the day
 * that has begun. */
#ifndef PROXYD_FLOW_QUOTA_H
#define PROXYD_FLOW_QUOTA_H

#include "policies/effects.h"
#include "proxyd/flow/ledger.h"

enum quota_word { QUOTA_LEFT, QUOTA_TIME, QUOTA_BYTES };

/* The account of this person under this rule; category empty unless kept per category. NULL: no
 * room. */
struct ledger_account *quota_take(struct ledger *l, const struct effects_quota *q,
                                  const struct ledger_key *key, int64_t now_ms);

/* Is anything left? Counts nothing. */
enum quota_word quota_look(const struct ledger_account *a, const struct effects_quota *q,
                           int64_t now_ms);

/* n_bytes were transferred now. Else than QUOTA_LEFT: used up, and whoever transfers has to end;
 * minutes never go beyond the bound, bytes go by what had been moved before it was noticed. */
enum quota_word quota_count(struct ledger *l, struct ledger_account *a,
                            const struct effects_quota *q, uint64_t n_bytes, int64_t now_ms);

struct quota_balance {
    uint32_t minutes;
    uint64_t bytes;
    int64_t renewed_ms; /* Unix time */
};
void quota_balance(const struct ledger_account *a, const struct effects_quota *q, int64_t now_ms,
                   struct quota_balance *out);

#endif
