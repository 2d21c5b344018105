/* job: waiting for work that the API does in the background, with its progress on a terminal. */
#ifndef ADMINUI_CTL_JOB_H
#define ADMINUI_CTL_JOB_H

#include "adminui/ctl/verbs.h"

/* Calls something that answers 202 and polls its job until that has ended. 0: *job is the Job; the
 * caller finishes it in every case. Prints why and gives the exit code otherwise. */
int job_run(struct ctl *c, const struct client_ask *ask, struct client_answer *job);

/* As job_run; the job is printed with --json, else print gets its result. */
int job_show(struct ctl *c, const struct client_ask *ask, void (*print)(const json_t *result));

/* "result" of a job that is done, borrowed; prints why and gives NULL otherwise. */
const json_t *job_result(const struct client_answer *job);

#endif
