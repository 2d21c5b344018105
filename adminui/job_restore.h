/* job_restore: a backup comes back. The upload is judged first, all of it; what is here now is kept
 * in a file beside policy.db; then everything changes in one transaction, with its audit row. The
 * building of the index and the reload follow as for any job that stores. Run on the jobs thread.
 * Limit: JOB_RESTORE_KEPT files of earlier states stay. */
#ifndef ADMINUI_JOB_RESTORE_H
#define ADMINUI_JOB_RESTORE_H

#include "adminui/desk.h"
#include "adminui/job_work.h"

#define JOB_RESTORE_KEPT 3

/* dry_run: judges only. OK: *result is a Restored of openapi.json. */
enum err job_restore(struct desk *d, const struct job_order *order, const struct job_pulse *pulse,
                     char why[STORE_WHY_BYTES], json_t **result) MUST_CHECK;

#endif
