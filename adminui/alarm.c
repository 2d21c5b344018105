/* alarm: shares against bounds. */
#include "adminui/alarm.h"

#include <stdio.h>

#define ERROR_FACTOR 1.5 /* errors that were there before are not the policy's doing */

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* The factor holds for what is blocked; where much was blocked before, for what is let through. */
static double block_bound(const struct event_trial *t, const struct settings_publishing *p)
{
    double more = t->expected_blocked * p->max_block_factor;
    double less = 1 - (1 - t->expected_blocked) / p->max_block_factor;
    double bound = more < less ? more : less;
    return bound > p->min_block_rate ? bound : p->min_block_rate;
}

enum alarm alarm_judge(const struct event_trial *t, const struct settings_publishing *p)
{
    if (t->requests < p->min_requests)
        return ALARM_TOO_EARLY;
    if (t->before < p->min_requests)
        return ALARM_NO_BASELINE;
    double failed = share(t->errors, t->requests);
    if (share(t->blocked, t->requests) > block_bound(t, p))
        return ALARM_BLOCKED;
    if (failed > p->max_error_rate && failed > ERROR_FACTOR * t->expected_errors)
        return ALARM_FAILED;
    return ALARM_NONE;
}

void alarm_text(enum alarm a, const struct event_trial *t, uint64_t version,
                char out[ALARM_TEXT_BYTES])
{
    unsigned long long v = version, n = t->requests, was = t->before;
    bool is_block = a == ALARM_BLOCKED;
    uint64_t part = is_block ? t->blocked : t->errors;
    double expected = is_block ? t->expected_blocked : t->expected_errors;
    if (a == ALARM_TOO_EARLY)
        snprintf(out, ALARM_TEXT_BYTES, "%llu requests so far: too few to judge", n);
    else if (a == ALARM_NO_BASELINE)
        snprintf(out, ALARM_TEXT_BYTES,
                 "only %llu requests under the version before: nothing to compare with", was);
    else if (a == ALARM_NONE)
        snprintf(out, ALARM_TEXT_BYTES, "%llu requests, no more blocked or failed than before", n);
    else
        snprintf(out, ALARM_TEXT_BYTES,
                 "%llu of %llu requests %s under version %llu (%.1f %%); the same people had "
                 "%.1f %% before",
                 (unsigned long long)part, n, is_block ? "were blocked" : "failed", v,
                 100 * share(part, t->requests), 100 * expected);
}

json_t *alarm_json(const struct event_trial *t)
{
    return json_pack("{s:{s:I,s:I,s:I,s:f,s:f},s:{s:I,s:f,s:f}}", "now", "requests",
                     (json_int_t)t->requests, "blocked", (json_int_t)t->blocked, "errors",
                     (json_int_t)t->errors, "block_rate", share(t->blocked, t->requests),
                     "error_rate", share(t->errors, t->requests), "expected", "requests",
                     (json_int_t)t->before, "block_rate", t->expected_blocked, "error_rate",
                     t->expected_errors);
}
