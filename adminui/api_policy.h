/* api_policy: the draft and what is done with it: read, save, check, discard, move a rule, publish,
 * roll back. Publishing commits first and then tells proxyd: what is in the store is live, and an
 * answer with applied=false says why proxyd does not run it yet. */
#ifndef ADMINUI_API_POLICY_H
#define ADMINUI_API_POLICY_H

#include "adminui/call.h"

void api_policy_draft(struct call *c);
void api_policy_put(struct call *c);
void api_policy_validate(struct call *c);
void api_policy_discard(struct call *c);
void api_policy_move(struct call *c);
void api_policy_publish(struct call *c);
void api_policy_rollback(struct call *c);
void api_policy_published(struct call *c); /* after the commit of either */

#endif
