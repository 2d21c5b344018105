/* speed: bytes per second of one person under one rule, over all their connections and workers: a
 * bucket kept as one number in an account of the ledger (next_us: when everything moved so far will
 * have been paid for, monotonic time). Threads: any number, no lock. Time is passed in. */
#ifndef PROXYD_FLOW_SPEED_H
#define PROXYD_FLOW_SPEED_H

#include "proxyd/flow/ledger.h"

#define SPEED_BURST_US 250000 /* what an idle person may move at once, as time */

/* Microseconds until the next bytes may move; 0: now. */
int64_t speed_wait_us(const struct ledger_account *a, int64_t now_us);
/* n bytes have moved at bytes_s. */
void speed_pay(struct ledger_account *a, uint64_t bytes_s, uint64_t n, int64_t now_us);

#endif
