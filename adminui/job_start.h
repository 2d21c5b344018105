/* job_start: how handlers put a job into the queue and answer with it. */
#ifndef ADMINUI_JOB_START_H
#define ADMINUI_JOB_START_H

#include "adminui/call.h"
#include "adminui/jobs.h"

/* Queues the order in the caller's name and answers 202 with the Job and its Location, or the
 * problem. order->take_upload may be c->upload: it is taken on OK; order->take_ask in every
 * case. */
void job_start(struct call *c, struct job_order *order);
/* 202 with the Job of this id. */
void job_start_reply(struct call *c, uint64_t id);

#endif
