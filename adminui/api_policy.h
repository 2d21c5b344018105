/* api_policy: the draft and what is done with it: read, save, check, discard, move a rule. */
#ifndef ADMINUI_API_POLICY_H
#define ADMINUI_API_POLICY_H

#include "adminui/call.h"

void api_policy_draft(struct call *c);
void api_policy_put(struct call *c);
void api_policy_validate(struct call *c);
void api_policy_discard(struct call *c);
void api_policy_move(struct call *c);

#endif
