/* job_work: what the jobs do, without knowing of queues: reading an upload into the store, and
 * building categories.idx from the store. Run on the jobs thread. */
#ifndef ADMINUI_JOB_WORK_H
#define ADMINUI_JOB_WORK_H

#include <jansson.h>

#include "adminui/desk.h"
#include "adminui/jobs.h"

struct job_pulse {
    bool (*beat)(void *ctx, double done, const char *message); /* false: cancelled */
    void *ctx;
};

/* Reads and saves. OK: *result is an ImportResult without index and applied. why: one sentence. */
enum err job_work_import(struct desk *d, const struct job_order *order,
                         const struct job_pulse *pulse, char why[STORE_WHY_BYTES],
                         json_t **result) MUST_CHECK;

/* Builds beside, syncs, renames. */
enum err job_work_rebuild(struct desk *d, const struct job_pulse *pulse,
                          char why[STORE_WHY_BYTES]) MUST_CHECK;

/* Is categories.idx what the store says? */
bool job_work_is_current(struct desk *d);

/* Can it be read by this program (or is there none)? */
bool job_work_opens(struct desk *d);

/* IndexInfo of openapi.json. */
json_t *job_work_index(struct desk *d);

#endif
