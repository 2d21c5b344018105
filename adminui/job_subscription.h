/* job_subscription: a fetched list is read, compared with what is live, and stored, or put aside
 * for a person when it shrank or grew beyond its bounds. Run on the jobs thread, which then builds
 * the index. Nothing that cannot be read ever replaces anything. */
#ifndef ADMINUI_JOB_SUBSCRIPTION_H
#define ADMINUI_JOB_SUBSCRIPTION_H

#include "adminui/job_work.h"

/* order->take_ask: {"id", "etag", "last_modified", "hash", "status", "bytes", "began_ms",
 * "is_approved"}; order->take_upload: the file. OK: *result is {"outcome": "updated"|"waiting",
 * "changed" (false: no index is to be built), "entries", "added", "removed", "before",
 * "categories"}. */
enum err job_subscription(struct desk *d, const struct job_order *order,
                          const struct job_pulse *pulse, char why[STORE_WHY_BYTES],
                          json_t **result) MUST_CHECK;

/* Path of the file that waits for a person; on the heap. */
char *job_subscription_waiting_path(const struct app *app, uint64_t id);

/* When it is due again: after a success `every`, after failures sooner, then ever later; spread a
 * little, so that not all come at once. random: any number. */
int64_t job_subscription_next(int64_t now_ms, unsigned every_hours, uint32_t failures,
                              uint32_t random);

#endif
