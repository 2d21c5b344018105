/* event_trial: how people fare under one policy version against how the same people fared under
 * the one before. Each person's former share of blocked and failed requests is weighted by what she
 * asks for now; who was not seen before counts like the average then. So a version that is only
 * used by pupils is not measured against the office. From the roll-up of the last two days.
 * adminui calls this. Threads: as the reader. */
#ifndef DB_EVENT_TRIAL_H
#define DB_EVENT_TRIAL_H

#include "db/event_query.h"

struct event_trial_ask {
    uint64_t version, previous;
    uint64_t same;  /* of the same text as previous, counted with it; 0: none */
    int64_t now_ms; /* its day and the day before are read */
};

struct event_trial {
    uint64_t requests, blocked, errors;       /* under the version */
    uint64_t before;                          /* requests under the one before, of everybody */
    double expected_blocked, expected_errors; /* shares, 0..1 */
};

enum err event_trial_compare(struct event_reader *r, const struct event_trial_ask *ask,
                             struct event_trial *out) MUST_CHECK;

#endif
