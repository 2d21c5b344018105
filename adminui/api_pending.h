/* api_pending: changes that are on their way: what they are, and what people say to them. What is
 * published by it is told to proxyd after the commit. */
#ifndef ADMINUI_API_PENDING_H
#define ADMINUI_API_PENDING_H

#include "adminui/call.h"

void api_pending_list(struct call *c);
void api_pending_get(struct call *c);
void api_pending_approve(struct call *c);
void api_pending_reject(struct call *c);
void api_pending_promote(struct call *c);
void api_pending_abort(struct call *c);
void api_pending_cancel(struct call *c);
void api_pending_done(struct call *c); /* after the commit of any of these */
void api_pending_watch(struct call *c);

#endif
