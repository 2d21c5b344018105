/* verdict: what the policy answers. Borrows: views point into the snapshot that gave it and live as
 * long as a reference to that is held. */
#ifndef POLICIES_VERDICT_H
#define POLICIES_VERDICT_H

#include "policies/effects.h"
#include "policies/facts.h"

enum verdict_action {
    VERDICT_ALLOW,
    VERDICT_BLOCK,
    VERDICT_WARN,     /* a page with "continue", remembered for a while */
    VERDICT_REDIRECT, /* 302 to redirect_url */
    VERDICT_OVERRIDE, /* a page that takes a justification */
};
enum verdict_log { VERDICT_LOG_FULL, VERDICT_LOG_NO_QUERY, VERDICT_LOG_NONE };
enum verdict_tls { VERDICT_TLS_DEFAULT, VERDICT_TLS_TUNNEL, VERDICT_TLS_INSPECT };

#define VERDICT_CATEGORIES_MAX 16
#define VERDICT_SHADOW_MAX     8

struct verdict {
    bool is_final;          /* else: come back when `needs` is known */
    enum facts_stage needs; /* the cheapest stage that can settle the first unknown rule */
    enum verdict_action action;
    enum verdict_log log;
    enum verdict_tls tls;
    int rule; /* index in the document; -1: the default decided */
    struct str rule_id, rule_name, message, redirect_url;
    const struct effects *effects; /* of the rule that decided; NULL: none */
    bool is_spent;                 /* blocked because the rule's quota is used up */
    bool is_given_up;              /* blocked because a pattern was given up, as the policy wants */
    uint64_t policy_version;
    struct str categories[VERDICT_CATEGORIES_MAX]; /* of the host, and of the URL when known */
    size_t n_categories;
    struct str shadow[VERDICT_SHADOW_MAX]; /* ids of shadow rules that would have decided first */
    size_t n_shadow;
};

/* What a final verdict becomes when the quota of its rule is used up: an allow turns into a block.
 * Nothing else changes, and nothing at all without a quota. For the live path, the replay and the
 * explanation alike. */
void verdict_spend(struct verdict *v, bool is_used_up);

const char *verdict_action_name(enum verdict_action a); /* "allow" ... */
const char *verdict_stage_name(enum facts_stage s);     /* "connect" ... */
const char *verdict_log_name(enum verdict_log l);       /* "full" ... */
const char *verdict_tls_name(enum verdict_tls t);       /* "default" ... */

#endif
