/* replay_run: past records against a policy, on all processors. Used by the job `replay` and by the
 * preview of an exception. Threads: the caller's, and helpers for the time of the call, all at low
 * priority. Nothing is written. */
#ifndef ADMINUI_REPLAY_RUN_H
#define ADMINUI_REPLAY_RUN_H

#include <jansson.h>

#include "adminui/app.h"
#include "adminui/job_work.h"

struct replay_ask {
    struct str document; /* JSON of the policy */
    uint64_t version;    /* of it; 0: a draft */
    uint64_t revision;   /* of the draft, see policy_hold.h */
    int64_t from_ms, to_ms;
    int64_t deadline_ms; /* monotonic; 0: none. What is judged until then is answered */
    unsigned n_threads;  /* 0: one a processor */
};

/* OK: *result has the counting members of Replay, "is_whole" (false: the deadline came first), and
 * "ms". ERR_INVALID: the document does not compile; ERR_CLOSED: cancelled. why: one sentence. pulse
 * may be NULL. */
enum err replay_run(struct app *app, const struct replay_ask *ask, const struct job_pulse *pulse,
                    char why[STORE_WHY_BYTES], json_t **result) MUST_CHECK;

#endif
