/* speed: bytes per second, over all connections and workers they are counted for: of one person
 * under one rule (an account of the ledger), of a client or user, of everybody (limits). A bucket
 * is one number: when everything that has a place so far will have been paid for, monotonic time
 * in us. Who wants to move bytes takes a place and waits for it, so those who share a bucket move
 * in turn and none starves. Threads: any number, no lock. Time is passed in. */
#ifndef PROXYD_FLOW_SPEED_H
#define PROXYD_FLOW_SPEED_H

#include <stdatomic.h>
#include <stdint.h>

#define SPEED_BURST_US 250000 /* what may move at once after a pause, as time */

/* A place for n bytes at bytes_s: answers when they may move; not after now_us: at once. */
int64_t speed_take(_Atomic int64_t *next_us, uint64_t bytes_s, uint64_t n, int64_t now_us);
/* n bytes of it were not needed. */
void speed_give(_Atomic int64_t *next_us, uint64_t bytes_s, uint64_t n);

#endif
