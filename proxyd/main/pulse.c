/* pulse: one message a worker, posted again when it has come back. */
#include "proxyd/main/pulse.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "proxyd/main/takers.h"

struct beat {
    struct wake_message m;
    atomic_bool is_out; /* posted and not answered */
    int64_t since_ms;
};

struct pulse {
    struct workers *workers;
    int keeper_fd;
    unsigned stuck_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool is_stopping;
    struct takers_watch shed, shortage;
    struct beat beats[WORKERS_MAX];
};

static void on_beat(struct wake_message *m, void *owner)
{
    struct beat *b = (struct beat *)(void *)((char *)m - offsetof(struct beat, m));
    (void)owner;
    atomic_store(&b->is_out, false);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Posts to those that have answered; true when nobody is stuck. */
static bool look(struct pulse *p)
{
    bool is_good = true;
    int64_t now = now_ms();
    for (unsigned i = 0; i < p->workers->n_running; i++) {
        struct beat *b = &p->beats[i];
        if (!atomic_load(&b->is_out)) {
            b->since_ms = now;
            b->m.run = on_beat;
            atomic_store(&b->is_out, true);
            wake_post(worker_wake(p->workers->worker[i]), &b->m);
        }
        is_good = is_good && (!p->stuck_ms || now - b->since_ms < (int64_t)p->stuck_ms);
    }
    return is_good;
}

static void *run(void *arg)
{
    static const char alive[] = "WATCHDOG=1\n";
    struct pulse *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->is_stopping) {
        if (!look(p)) {
            diag(DIAG_ERROR, "main", "a worker is stuck: this process ends, the next one starts",
                 NULL);
            abort();
        }
        takers_watch(&p->shed, &p->shortage, p->workers, now_ms());
        if (p->keeper_fd >= 0 && write(p->keeper_fd, alive, sizeof alive - 1) < 0)
            p->keeper_fd = -1; /* the keeper is gone: nobody is told any more */
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += PULSE_EVERY_MS / 1000;
        pthread_cond_timedwait(&p->stop, &p->lock, &until);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum err pulse_start(struct workers *workers, int keeper_fd, unsigned stuck_ms, struct pulse **out)
{
    struct pulse *p = calloc(1, sizeof *p);
    pthread_condattr_t attr;
    if (!p)
        return ERR_NOMEM;
    p->workers = workers;
    p->keeper_fd = keeper_fd;
    p->stuck_ms = stuck_ms;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->stop, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&p->thread, NULL, run, p) != 0) {
        free(p);
        return ERR_NOMEM;
    }
    *out = p;
    return OK;
}

void pulse_stop(struct pulse *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->is_stopping = true;
    pthread_cond_signal(&p->stop);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    for (unsigned i = 0; i < p->workers->n_running; i++) /* messages live in p */
        while (atomic_load(&p->beats[i].is_out))
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    pthread_cond_destroy(&p->stop);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
