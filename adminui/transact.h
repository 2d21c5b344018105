/* transact: runs the handler of a call on a worker's desk: parses the body, and for a change opens
 * one transaction that holds the change and its audit row; what talks to proxyd or starts a job
 * runs after the commit. Threads: workers. */
#ifndef ADMINUI_TRANSACT_H
#define ADMINUI_TRANSACT_H

#include "adminui/call.h"

void transact_run(struct call *c);

/* Appends the audit row of the call, with its result as it stands. For handlers that keep their own
 * transaction (login). */
enum err transact_audit(struct call *c) MUST_CHECK;

/* One change as a route with is_change has it: run in a transaction with its audit row, then after
 * (may be NULL). For handlers of routes that only sometimes change something. */
void transact_change(struct call *c, void (*run)(struct call *c), void (*after)(struct call *c));

/* The same in a transaction of its own, for calls that change nothing but are to be known of. */
enum err transact_note(struct call *c) MUST_CHECK;

#endif
