/* api_audit: reading and verifying the audit trail. */
#ifndef ADMINUI_API_AUDIT_H
#define ADMINUI_API_AUDIT_H

#include "adminui/call.h"

void api_audit_list(struct call *c);
void api_audit_verify(struct call *c);

#endif
