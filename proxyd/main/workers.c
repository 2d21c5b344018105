/* workers: binding, starting, swapping of sets, draining. */
#include "proxyd/main/workers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "proxyd/io/listen.h"

static unsigned count_of(const struct bootstrap *b)
{
    long cores = b->workers ? (long)b->workers : sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
}

static void fill_listeners(struct workers *w, const struct bootstrap *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_listen; i++)
        w->listeners[n++] = (struct worker_listener){b->listen[i].at, b->listen[i].text,
                                                     WORKER_PROXY, b->listen[i].proxy_protocol};
    for (size_t i = 0; i < b->n_pac_listen; i++)
        w->listeners[n++] =
            (struct worker_listener){b->pac_listen[i].at, b->pac_listen[i].text, WORKER_PAC, false};
    w->shared.listeners = w->listeners;
    w->shared.n_listeners = n;
    w->shared.proxy_port = b->n_listen ? b->listen[0].at.port : 0;
}

static enum err unsupported(const struct bootstrap *b)
{
    for (size_t i = 0; i < b->n_listen; i++) {
        char line[16];
        snprintf(line, sizeof line, "%d", b->listen[i].line);
        if (b->listen[i].mode != BOOTSTRAP_FORWARD || b->listen[i].tls_cert.n) {
            diag(DIAG_ERROR, "main", "this version has listeners of mode=forward without tls only",
                 "listen", b->listen[i].text.p, "line", line, NULL);
            return ERR_UNSUPPORTED;
        }
    }
    return OK;
}

static enum err bind_one(const struct worker_listener *l, int *fd)
{
    int why = 0;
    enum err e = listen_socket(&l->at, fd, &why);
    if (e != OK)
        diag(DIAG_ERROR, "main", "cannot listen", "address", l->text.p, "why",
             why ? strerror(why) : err_name(e), NULL);
    return e;
}

enum err workers_bind(struct workers *w, const struct bootstrap *b)
{
    w->n = count_of(b);
    memset(w->fds, -1, sizeof w->fds);
    fill_listeners(w, b);
    enum err e = unsupported(b);
    for (size_t l = 0; l < w->shared.n_listeners && e == OK; l++)
        for (unsigned i = 0; i < w->n && e == OK; i++)
            e = bind_one(&w->listeners[l], &w->fds[i][l]);
    w->stats = e == OK ? stats_new(w->n) : NULL;
    w->shared.workers = w->worker;
    w->shared.n_workers = w->n;
    return e == OK && !w->stats ? ERR_NOMEM : e;
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
        struct worker_parts p = {&w->shared,   i,  w->fds[i], writer_journal(log, i),
                                 &w->stats[i], set};
        e = worker_new(&p, &w->worker[i]);
        if (e == OK)
            memset(w->fds[i], -1, sizeof w->fds[i]); /* they are the worker's now */
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
        for (size_t l = 0; l < w->shared.n_listeners; l++)
            if (w->fds[i][l] >= 0)
                close(w->fds[i][l]);
    }
    free(w->stats);
    w->stats = NULL;
}
