/* step_pace: one timer. */
#include "proxyd/flow/step_pace.h"

#include "proxyd/flow/context.h"

static void on_turn(struct timer *t)
{
    request_run(LIST_ENTRY(t, struct work, pace)->r);
}

enum request_state step_pace(struct request *r)
{
    struct work *k = r->k;
    if (r->w->loop.now_ms >= k->pace_at_ms)
        return REQUEST_DECIDE;
    if (!k->pace.is_set) {
        timer_init(&k->pace, on_turn);
        timer_set(&r->w->loop.timers, &k->pace, k->pace_at_ms);
    }
    return REQUEST_PACE;
}
