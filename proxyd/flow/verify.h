/* verify: passwords of override rules are checked on a thread of their own, since argon2id takes
 * tens of milliseconds on purpose and a worker's loop may not wait. One at a time, so a flood of
 * guesses costs at most one core; a bounded queue.
 * Owner: verify_start/stop. Threads: ask on any worker; the answer comes through its mailbox. */
#ifndef PROXYD_FLOW_VERIFY_H
#define PROXYD_FLOW_VERIFY_H

#include "base/str.h"
#include "proxyd/io/wake.h"

#define VERIFY_QUEUE 64

struct verify;
struct verify_job;

enum err verify_start(struct verify **out) MUST_CHECK; /* ERR_NOMEM */
void verify_stop(struct verify *v); /* before the workers' mailboxes go; NULL is fine */

/* hash and password are copied. done runs on the worker's thread, with OK, ERR_DENIED, or what
 * password_check says else, unless the job was given up before. NULL: the queue is full. */
struct verify_job *verify_ask(struct verify *v, struct wake *wake, struct str hash,
                              struct str password);
void verify_expect(struct verify_job *j, void (*done)(void *ctx, enum err e), void *ctx);
/* The asker is gone: done is not called. On the worker's thread. */
void verify_give_up(struct verify_job *j);

#endif
