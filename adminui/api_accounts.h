/* api_accounts: the people who administer, and bearer tokens for programs. */
#ifndef ADMINUI_API_ACCOUNTS_H
#define ADMINUI_API_ACCOUNTS_H

#include "adminui/call.h"

void api_accounts_list(struct call *c);
void api_accounts_create(struct call *c);
void api_accounts_get(struct call *c);
void api_accounts_put(struct call *c);
void api_accounts_delete(struct call *c);

#endif
