/* workers: a few threads that run handlers, each with its own desk (database connections), so that
 * the threads of libmicrohttpd never wait for a disk or for proxyd.
 * Owner: workers_open/close. Threads: workers_add from anywhere. */
#ifndef ADMINUI_WORKERS_H
#define ADMINUI_WORKERS_H

#include "base/err.h"
#include "base/list.h"

struct app;
struct desk;
struct workers;

struct work {
    struct list node;
    void (*run)(struct work *w, struct desk *d);
};

/* Opens n threads and their desks. ERR_NOMEM, or what opening a desk says. */
enum err workers_open(struct app *app, unsigned n, struct workers **out) MUST_CHECK;
/* Everything added is run exactly once, also while closing. */
void workers_add(struct workers *w, struct work *work);
/* Runs what is queued, then joins. NULL is fine. */
void workers_close(struct workers *w);

#endif
