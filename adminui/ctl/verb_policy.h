/* verb_policy: proxyctl policy ... */
#ifndef ADMINUI_CTL_VERB_POLICY_H
#define ADMINUI_CTL_VERB_POLICY_H

struct ctl;

int verb_policy_show(struct ctl *c);
int verb_policy_check(struct ctl *c);
int verb_policy_lint(struct ctl *c);
int verb_policy_publish(struct ctl *c);
int verb_policy_versions(struct ctl *c);
int verb_policy_patterns(struct ctl *c);
int verb_policy_diff(struct ctl *c);
int verb_policy_rollback(struct ctl *c);
int verb_policy_test(struct ctl *c);

#endif
