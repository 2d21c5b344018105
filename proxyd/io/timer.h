/* timer: a hierarchical wheel with 1 ms ticks; set, stop and fire are O(1). A timer is a member of
 * the struct that waits. Owner: nobody; a timer must be stopped before its memory goes.
 * Threads: the wheel's worker only. Limit: about 12 days ahead; later ones are re-sorted on the
 * way.
 */
#ifndef PROXYD_IO_TIMER_H
#define PROXYD_IO_TIMER_H

#include <stdint.h>

#include "base/list.h"

#define TIMER_LEVELS 5
#define TIMER_SLOTS  64

struct timer {
    struct list node;
    int64_t at_ms;
    uint16_t slot; /* level * TIMER_SLOTS + index, valid while set */
    bool is_set;
    void (*on_fire)(struct timer *t); /* the timer is no longer set when this is called */
};

struct timer_wheel {
    int64_t now_ms;
    uint64_t used[TIMER_LEVELS]; /* bit per slot that is not empty */
    struct list slots[TIMER_LEVELS * TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *w, int64_t now_ms);

static inline void timer_init(struct timer *t, void (*on_fire)(struct timer *t))
{
    list_init(&t->node);
    t->is_set = false;
    t->on_fire = on_fire;
}

/* Fires once at at_ms, or on the next tick when that is past. Setting a set timer moves it. */
void timer_set(struct timer_wheel *w, struct timer *t, int64_t at_ms);
void timer_stop(struct timer_wheel *w, struct timer *t); /* harmless when not set */

/* When timer_wheel_advance should be called next, or -1 when no timer is set. May be earlier than
 * the first timer (a slot has to be sorted finer), never later. */
int64_t timer_wheel_next(const struct timer_wheel *w);

/* Fires everything due up to now_ms, in order of time. */
void timer_wheel_advance(struct timer_wheel *w, int64_t now_ms);

#endif
