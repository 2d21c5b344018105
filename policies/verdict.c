/* verdict: names, and the quota that is used up. */
#include "policies/verdict.h"

void verdict_spend(struct verdict *v, bool is_used_up)
{
    if (!is_used_up || !v->is_final || v->action != VERDICT_ALLOW || !v->effects ||
        !v->effects->has_quota)
        return;
    v->action = VERDICT_BLOCK;
    v->is_spent = true;
}

const char *verdict_action_name(enum verdict_action a)
{
    static const char *const names[] = {"allow", "block", "warn", "redirect", "override"};
    return names[a];
}

const char *verdict_stage_name(enum facts_stage s)
{
    static const char *const names[] = {"connect", "target", "identity", "address",
                                        "url",     "answer", "content"};
    return names[s];
}

const char *verdict_log_name(enum verdict_log l)
{
    static const char *const names[] = {"full", "no-query", "none"};
    return names[l];
}

const char *verdict_tls_name(enum verdict_tls t)
{
    static const char *const names[] = {"default", "tunnel", "inspect"};
    return names[t];
}
