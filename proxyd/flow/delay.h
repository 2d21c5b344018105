/* delay: how long requests wait before the worker looks at them, and whether that has become a
 * queue that stands. The kernel knows when the bytes of a request came; what has passed until its
 * head is complete is the time it waited for its turn, in the accept queue or behind the other
 * connections. Asked of one request in SAMPLE_MS; only when every sample of DELAY_INTERVAL_MS was
 * above the bound does a queue stand (a short burst, or a pause of the machine, is none), and then
 * each request that has itself waited for longer is to be turned away, until one is met that has
 * not. So what is refused costs little, and those who are let through are answered in time. Owner:
 * the worker. Threads: one worker. Pure: time and waits are passed in. */
#ifndef PROXYD_FLOW_DELAY_H
#define PROXYD_FLOW_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#define DELAY_SAMPLE_MS   20
#define DELAY_INTERVAL_MS 1000
#define DELAY_GAP_MS      3000 /* samples further apart say nothing of what was between */

struct delay { /* zeroed at first */
    int64_t last_ms;
    int64_t above_since_ms; /* 0: the last sample was fine */
    bool is_standing;
};

/* Is it worth asking how long this request has waited? */
static inline bool delay_wants(const struct delay *d, int64_t now_ms)
{
    return d->is_standing || now_ms - d->last_ms >= DELAY_SAMPLE_MS;
}

/* A request has waited so long. True: it is to be turned away. */
bool delay_judge(struct delay *d, uint32_t waited_ms, uint32_t bound_ms, int64_t now_ms);

#endif
