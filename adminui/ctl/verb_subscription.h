/* verb_subscription: lists that are fetched on a schedule. */
#ifndef ADMINUI_CTL_VERB_SUBSCRIPTION_H
#define ADMINUI_CTL_VERB_SUBSCRIPTION_H

struct ctl;

int verb_subscription_add(struct ctl *c);
int verb_subscription_list(struct ctl *c);
int verb_subscription_fetch(struct ctl *c);
int verb_subscription_approve(struct ctl *c);
int verb_subscription_reject(struct ctl *c);
int verb_subscription_remove(struct ctl *c);

#endif
