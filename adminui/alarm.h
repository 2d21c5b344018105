/* alarm: does a version block or fail so much more than the one before that it has to go? Pure
 * judgement over figures. Threads: values only. */
#ifndef ADMINUI_ALARM_H
#define ADMINUI_ALARM_H

#include <jansson.h>

#include "db/event_trial.h"
#include "db/settings_publishing.h"

enum alarm {
    ALARM_NONE,
    ALARM_TOO_EARLY,   /* fewer than min_requests under the version */
    ALARM_NO_BASELINE, /* fewer than min_requests under the one before */
    ALARM_BLOCKED,
    ALARM_FAILED,
};
#define ALARM_TEXT_BYTES 240

enum alarm alarm_judge(const struct event_trial *t, const struct settings_publishing *p);
static inline bool alarm_is_raised(enum alarm a)
{
    return a >= ALARM_BLOCKED;
}

/* One sentence: "40 of 50 requests were blocked under version 4 (80.0 %), ...". */
void alarm_text(enum alarm a, const struct event_trial *t, uint64_t version,
                char out[ALARM_TEXT_BYTES]);

/* {"now": {"requests", "blocked", "errors", "block_rate", "error_rate"}, "expected": {"requests",
 * "block_rate", "error_rate"}}. NULL: out of memory. */
json_t *alarm_json(const struct event_trial *t);

#endif
