/* api_subscriptions: lists that are fetched on a schedule. */
#ifndef ADMINUI_API_SUBSCRIPTIONS_H
#define ADMINUI_API_SUBSCRIPTIONS_H

#include "adminui/call.h"

void api_subscriptions_list(struct call *c);
void api_subscriptions_catalogue(struct call *c);
void api_subscriptions_create(struct call *c);
void api_subscriptions_get(struct call *c);
void api_subscriptions_put(struct call *c);
void api_subscriptions_delete(struct call *c);
void api_subscriptions_deleted(struct call *c); /* after the commit: the index is built anew */
void api_subscriptions_fetch(struct call *c);
void api_subscriptions_approve(struct call *c);
void api_subscriptions_reject(struct call *c);
void api_subscriptions_history(struct call *c);
void api_subscriptions_changed(struct call *c); /* after the commit: the subscriber looks */

/* Of each: age of the last good fetch, failures in a row, does it wait for a person. */
void api_subscriptions_metrics(struct call *c, struct buf *out);

#endif
