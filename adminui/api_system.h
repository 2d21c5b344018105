/* api_system: what tells of the programs themselves: status, jobs, the audit trail, openapi.json,
 * health and metrics. */
#ifndef ADMINUI_API_SYSTEM_H
#define ADMINUI_API_SYSTEM_H

#include "adminui/call.h"

void api_system_openapi(struct call *c);
void api_system_status(struct call *c);
void api_system_healthz(struct call *c);
void api_system_readyz(struct call *c);
void api_system_metrics(struct call *c);
void api_system_jobs(struct call *c);
void api_system_job(struct call *c);
void api_system_job_cancel(struct call *c);

#endif
