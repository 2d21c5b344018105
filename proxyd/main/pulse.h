/* pulse: the sign of life. Once a second every worker is sent a message; while all of them answer,
 * the keeper is told. A worker that has not answered for PULSE_STUCK_MS is stuck (an endless loop,
 * a lock): the process is ended with a core, and the keeper starts the next one. The main thread
 * takes no part, for it may be busy with a long compile. Threads: one of its own. */
#ifndef PROXYD_MAIN_PULSE_H
#define PROXYD_MAIN_PULSE_H

#include "proxyd/main/workers.h"

#define PULSE_EVERY_MS 1000

struct pulse;

/* stuck_ms: 0 for never. keeper_fd: where "WATCHDOG=1" lines go; -1: nowhere. ERR_NOMEM.
 */
enum err pulse_start(struct workers *workers, int keeper_fd, unsigned stuck_ms,
                     struct pulse **out) MUST_CHECK;
/* Before the workers end. NULL is fine. */
void pulse_stop(struct pulse *p);

#endif
