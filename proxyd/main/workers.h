/* workers: the threads of the data plane as one thing: start, give a new set to all and wait until
 * each runs it, drain, join. Owner: main. Threads: workers_set and workers_gauges from any thread
 * (one workers_set at a time: the caller's reload lock), the rest from main. */
#ifndef PROXYD_MAIN_WORKERS_H
#define PROXYD_MAIN_WORKERS_H

#include <pthread.h>

#include "db/bootstrap.h"
#include "proxyd/flow/worker.h"
#include "proxyd/log/writer.h"
#include "proxyd/main/sockets.h"

#define WORKERS_MAX SOCKETS_WORKERS_MAX

struct workers {
    struct worker_shared shared;
    struct worker_listener listeners[2 * BOOTSTRAP_MAX];
    struct sockets *sockets; /* each worker takes its own */
    struct worker *worker[WORKERS_MAX];
    pthread_t thread[WORKERS_MAX];
    enum err ended[WORKERS_MAX]; /* what worker_run said */
    struct stats *stats;         /* one a worker */
    unsigned n, n_running;
    atomic_bool is_shedding, is_short; /* takers.h */
};

/* Fills the listeners; the sockets are taken by workers_start. ERR_NOMEM. */
enum err workers_init(struct workers *w, const struct bootstrap *b,
                      struct sockets *sockets) MUST_CHECK;

/* shared is complete: makes and starts all. set: a reference is taken by each. */
enum err workers_start(struct workers *w, struct writer *log, struct flow_set *set) MUST_CHECK;

/* Gives set to all and waits until each runs it. ERR_NOMEM when one of them could not. */
enum err workers_set(struct workers *w, struct flow_set *set) MUST_CHECK;

/* Asks all to drain and joins them. ERR_TIMEOUT: something was cut at the end of the drain time. */
enum err workers_drain(struct workers *w);
void workers_fini(struct workers *w); /* after the drain, or after a failed start */

#endif
