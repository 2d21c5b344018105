/* api_reports: figures over time out of the roll-ups, as JSON or CSV. */
#ifndef ADMINUI_API_REPORTS_H
#define ADMINUI_API_REPORTS_H

#include "adminui/call.h"

void api_reports_overview(struct call *c);
void api_reports_users(struct call *c);
void api_reports_hosts(struct call *c);
void api_reports_categories(struct call *c);
void api_reports_rules(struct call *c);
void api_reports_bandwidth(struct call *c);

#endif
