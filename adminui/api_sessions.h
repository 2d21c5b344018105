/* api_sessions: who is logged in, and ending such sessions: one's own, and everybody's for those
 * who may administer. */
#ifndef ADMINUI_API_SESSIONS_H
#define ADMINUI_API_SESSIONS_H

#include "adminui/call.h"

void api_sessions_list(struct call *c);
void api_sessions_revoke(struct call *c);     /* one */
void api_sessions_revoke_all(struct call *c); /* of one account, but for the caller's */

#endif
