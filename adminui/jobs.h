/* jobs: long work in the background, in two lanes of one thread each with its own desk, one job
 * after the other in each: what changes the store (imports, conversions, the building of
 * categories.idx) and what only reads (replay). A job reports its progress and may be cancelled.
 * Several imports waiting in a row share one building of the index at their end. Owner:
 * jobs_open/close. Threads: any; a lock inside. Jobs are kept for this run of the program only.
 * Limit: JOBS_QUEUED waiting, JOBS_KEPT in all. */
#ifndef ADMINUI_JOBS_H
#define ADMINUI_JOBS_H

#include <jansson.h>

#include "adminui/app.h"

#define JOBS_QUEUED 64
#define JOBS_KEPT   256

enum job_kind {
    JOB_IMPORT,
    JOB_TREE,
    JOB_REBUILD,
    JOB_CONVERT,
    JOB_REPLAY,
    JOB_SUBSCRIPTION,
    JOB_RESTORE
};

struct job_order { /* texts are copied; take_upload and take_ask move on OK */
    enum job_kind kind;
    struct str category, prefix, source, format_name;
    bool merge, dry_run, force;
    char *take_upload; /* path of the spooled body; removed when the job has ended */
    json_t *take_ask;  /* what else the kind of job wants to know; NULL: nothing */
    struct str by;
};

struct jobs;

enum err jobs_open(struct app *app, struct jobs **out) MUST_CHECK;
/* Cancels what runs, forgets what waits. NULL is fine. */
void jobs_close(struct jobs *j);

/* ERR_BUSY: too many wait. */
enum err jobs_add(struct jobs *j, const struct job_order *order, uint64_t *id) MUST_CHECK;
/* The Job of openapi.json; NULL when there is none with this id. */
json_t *jobs_get(struct jobs *j, uint64_t id);
json_t *jobs_list(struct jobs *j); /* newest first */
/* ERR_NOT_FOUND; ERR_CONFLICT: it has ended. */
enum err jobs_cancel(struct jobs *j, uint64_t id) MUST_CHECK;
unsigned jobs_running(struct jobs *j); /* also those waiting */

#endif
