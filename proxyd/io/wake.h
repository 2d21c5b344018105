/* wake: a worker's mailbox. Helper threads (directory, compiler, other workers) post messages, the
 * worker runs them on its own thread. Many posters, one reader, no lock.
 * Owner: a message belongs to the mailbox from wake_post until its `run` is called, which then owns
 * it and usually frees it. Order: messages of one poster stay in order.
 * Threads: wake_post anywhere; the rest on the worker's thread. */
#ifndef PROXYD_IO_WAKE_H
#define PROXYD_IO_WAKE_H

#include <stdatomic.h>

#include "proxyd/io/loop.h"

struct wake_message { /* first member of what is posted, or reached with LIST_ENTRY-like arithmetic
                       */
    struct wake_message *next;
    void (*run)(struct wake_message *m, void *owner);
};

struct wake {
    struct loop_fd lf; /* the eventfd */
    struct loop *loop;
    void *owner; /* handed to every message; the worker */
    _Atomic(struct wake_message *) newest;
};

/* ERR_IO, ERR_FULL. */
enum err wake_open(struct wake *w, struct loop *l, void *owner) MUST_CHECK;
/* Runs what is still in the box (so that messages free themselves), then closes. No thread may post
 * any more. Works on a zeroed one. */
void wake_close(struct wake *w);

void wake_post(struct wake *w, struct wake_message *m);

#endif
