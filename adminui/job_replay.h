/* job_replay: the job behind POST /replay. Run on a jobs thread. */
#ifndef ADMINUI_JOB_REPLAY_H
#define ADMINUI_JOB_REPLAY_H

#include "adminui/job_work.h"

/* order->take_ask: {"document" (text), "version", "revision", "policy" (its name for people),
 * "from_ms", "to_ms"}. OK: *result is a Replay of openapi.json. why: one sentence. */
enum err job_replay(struct desk *d, const struct job_order *order, const struct job_pulse *pulse,
                    char why[STORE_WHY_BYTES], json_t **result) MUST_CHECK;

#endif
