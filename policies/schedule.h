/* schedule: is a moment inside one of the windows of a schedule, in its own time zone? A window
 * whose end is not behind its start goes over midnight and belongs to the day it starts on. Pure
 * but for reading the zone file when made. Threads: read-only once made. */
#ifndef POLICIES_SCHEDULE_H
#define POLICIES_SCHEDULE_H

#include "policies/model.h"
#include "policies/zone.h"

struct schedule {
    const struct model_schedule *model; /* borrowed from the model */
    struct zone *zone;
};

/* ERR_NOT_FOUND: no such zone. */
enum err schedule_init(struct schedule *s, const struct model_schedule *model) MUST_CHECK;
void schedule_fini(struct schedule *s);
bool schedule_has(const struct schedule *s, int64_t unix_ms);

#endif
