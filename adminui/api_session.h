/* api_session: logging in and out, who am I, one's own password, the first-run wizard's end. */
#ifndef ADMINUI_API_SESSION_H
#define ADMINUI_API_SESSION_H

#include "adminui/call.h"

void api_session_login(struct call *c);
void api_session_logout(struct call *c);
void api_session_me(struct call *c);
void api_session_password(struct call *c);

#endif
