/* verb_change: changes of the policy on their way: what waits, what is on trial, and what a person
 * says to it; exceptions; how much rules are used. */
#ifndef ADMINUI_CTL_VERB_CHANGE_H
#define ADMINUI_CTL_VERB_CHANGE_H

#include "adminui/ctl/verbs.h"

int verb_change_list(struct ctl *c);
int verb_change_approve(struct ctl *c);
int verb_change_reject(struct ctl *c);
int verb_change_promote(struct ctl *c);
int verb_change_abort(struct ctl *c);
int verb_change_cancel(struct ctl *c);
int verb_change_watch(struct ctl *c);
int verb_change_usage(struct ctl *c);
int verb_change_except(struct ctl *c);
int verb_change_exceptions(struct ctl *c);

/* What the options say of a publication (comment, at, canary, force, ...) as a body; NULL, and why
 * is printed, when --canary cannot be read. */
json_t *verb_change_body(const struct options *o);

#endif
