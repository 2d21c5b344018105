/* speed: bytes per second, over all connections and workers they are counted for: of one person
 * under one rule (an account of the ledger), of a client or user, of everybody (limits). A bucket
 * is one number: when everything moved so far will have been paid for, monotonic time in us.
 * Threads: any number, no lock. Time is passed in. */
#ifndef PROXYD_FLOW_SPEED_H
#define PROXYD_FLOW_SPEED_H

#include <stdatomic.h>
#include <stdint.h>

#define SPEED_BURST_US 250000 /* what may move at once after a pause, as time */

/* Microseconds until the next bytes may move; 0: now. */
int64_t speed_wait_us(const _Atomic int64_t *next_us, int64_t now_us);
/* n bytes have moved at bytes_s. */
void speed_pay(_Atomic int64_t *next_us, uint64_t bytes_s, uint64_t n, int64_t now_us);

#endif
