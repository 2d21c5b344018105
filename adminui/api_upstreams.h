/* api_upstreams: parent proxies and their health, read from proxyd; which there are is the settings
 * document "upstreams". */
#ifndef ADMINUI_API_UPSTREAMS_H
#define ADMINUI_API_UPSTREAMS_H

#include "adminui/call.h"

void api_upstreams_list(struct call *c);

/* Appends what /metrics tells of each member: up, requests, failures, by group and address. */
void api_upstreams_metrics(struct call *c, struct buf *out);

#endif
