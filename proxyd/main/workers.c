/* workers: binding, starting, swapping of sets, draining. */
#include "proxyd/main/workers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fill_listeners(struct workers *w, const struct bootstrap *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_listen; i++)
        w->listeners[n++] =
            (struct worker_listener){b->listen[i].at, b->listen[i].text, WORKER_PROXY,
                                     b->listen[i].proxy_protocol, b->listen[i].privacy};
    for (size_t i = 0; i < b->n_pac_listen; i++)
        w->listeners[n++] = (struct worker_listener){
            .at = b->pac_listen[i].at, .text = b->pac_listen[i].text, .kind = WORKER_PAC};
    w->shared.listeners = w->listeners;
    w->shared.n_listeners = n;
    w->shared.proxy_port = b->n_listen ? b->listen[0].at.port : 0;
}

enum err workers_init(struct workers *w, const struct bootstrap *b, struct sockets *sockets)
{
    w->n = sockets->n_workers;
    w->sockets = sockets;
    fill_listeners(w, b);
    w->stats = stats_new(w->n);
    w->shared.workers = w->worker;
    w->shared.n_workers = w->n;
    return w->stats ? OK : ERR_NOMEM;
}

struct thread_arg {
    struct workers *all;
    unsigned index;
};

static void *run(void *arg)
{
    struct thread_arg a = *(struct thread_arg *)arg;
    free(arg);
    a.all->ended[a.index] = worker_run(a.all->worker[a.index]);
    return NULL;
}

static enum err start_thread(struct workers *w, unsigned i)
{
    struct thread_arg *a = malloc(sizeof *a);
    if (!a)
        return ERR_NOMEM;
    *a = (struct thread_arg){w, i};
    if (pthread_create(&w->thread[i], NULL, run, a) != 0) {
        free(a);
        return ERR_NOMEM;
    }
    w->n_running++;
    return OK;
}

enum err workers_start(struct workers *w, struct writer *log, struct flow_set *set)
{
    enum err e = OK;
    for (unsigned i = 0; i < w->n && e == OK; i++) {
        int *fds = w->sockets->fd[i];
        struct worker_parts p = {&w->shared, i, fds, writer_journal(log, i), &w->stats[i], set};
        e = worker_new(&p, &w->worker[i]);
        for (size_t l = 0; e == OK && l < w->sockets->n_listeners; l++)
            fds[l] = -1; /* they are the worker's now */
    }
    for (unsigned i = 0; i < w->n && e == OK; i++)
        e = start_thread(w, i);
    return e;
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n_left;
    enum err worst;
};

static void done(void *ctx, enum err e)
{
    struct waiting *x = ctx;
    pthread_mutex_lock(&x->lock);
    if (e != OK)
        x->worst = e;
    x->n_left--;
    pthread_cond_signal(&x->changed);
    pthread_mutex_unlock(&x->lock);
}

enum err workers_set(struct workers *w, struct flow_set *set)
{
    struct waiting x = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, OK};
    pthread_mutex_lock(&x.lock);
    for (unsigned i = 0; i < w->n_running; i++) {
        x.n_left++;
        enum err e = worker_set(w->worker[i], set, done, &x);
        if (e != OK) {
            x.n_left--;
            x.worst = e;
        }
    }
    while (x.n_left)
        pthread_cond_wait(&x.changed, &x.lock);
    pthread_mutex_unlock(&x.lock);
    return x.worst;
}

enum err workers_drain(struct workers *w)
{
    enum err worst = OK;
    for (unsigned i = 0; i < w->n_running; i++) {
        enum err e = worker_drain(w->worker[i]);
        if (e != OK)
            worst = e;
    }
    for (unsigned i = 0; i < w->n_running; i++) {
        pthread_join(w->thread[i], NULL);
        if (w->ended[i] != OK)
            worst = w->ended[i];
    }
    w->n_running = 0;
    return worst;
}

void workers_fini(struct workers *w)
{
    for (unsigned i = 0; i < w->n; i++) {
        worker_free(w->worker[i]);
        w->worker[i] = NULL;
    }
    if (w->sockets)
        sockets_fini(w->sockets);
    free(w->stats);
    w->stats = NULL;
}
