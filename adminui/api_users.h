/* api_users: people known to this proxy itself. Passwords come in, never out. */
#ifndef ADMINUI_API_USERS_H
#define ADMINUI_API_USERS_H

#include "adminui/call.h"

void api_users_list(struct call *c);
void api_users_create(struct call *c);
void api_users_get(struct call *c);
void api_users_put(struct call *c);
void api_users_delete(struct call *c);
void api_users_changed(struct call *c); /* after the commit: proxyd forgets what it knew */

/* Adds one user out of a UserCreate object that was checked; for the wizard as well. */
enum err api_users_add(struct call *c, json_t *user) MUST_CHECK;
/* A name that Basic can carry: no colon, no control bytes. */
bool api_users_is_name(struct str s);

#endif
