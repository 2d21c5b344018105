/* api_quotas: what people have used of their daily allowances, and the pages they have accepted:
 * read from proxyd, reset and revoked there. Nothing of it is stored by adminui. */
#ifndef ADMINUI_API_QUOTAS_H
#define ADMINUI_API_QUOTAS_H

#include "adminui/call.h"

void api_quotas_list(struct call *c);
void api_quotas_reset(struct call *c);
void api_quotas_reset_noted(struct call *c); /* after the commit */
void api_quotas_grants(struct call *c);
void api_quotas_revoke(struct call *c);
void api_quotas_revoke_noted(struct call *c);

#endif
