/* delay: the lowest wait of an interval, as one time since when all were above. */
#include "proxyd/flow/delay.h"

bool delay_judge(struct delay *d, uint32_t waited_ms, uint32_t bound_ms, int64_t now_ms)
{
    bool is_gap = now_ms - d->last_ms > DELAY_GAP_MS;
    d->last_ms = now_ms;
    if (waited_ms <= bound_ms) {
        d->above_since_ms = 0;
        d->is_standing = false;
        return false;
    }
    if (d->above_since_ms == 0 || is_gap)
        d->above_since_ms = now_ms;
    d->is_standing = now_ms - d->above_since_ms >= DELAY_INTERVAL_MS;
    return d->is_standing;
}
