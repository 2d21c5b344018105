/* workers: one queue, n threads. */
#include "adminui/workers.h"

#include <pthread.h>
#include <stdlib.h>

#include "adminui/desk.h"

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct list queue;
    bool is_closing;
    unsigned n;
    struct worker {
        pthread_t thread;
        bool is_started;
        struct desk *desk;
        struct workers *all;
    } each[];
};

static struct work *next_work(struct workers *w)
{
    struct work *work = NULL;
    pthread_mutex_lock(&w->lock);
    while (list_empty(&w->queue) && !w->is_closing)
        pthread_cond_wait(&w->more, &w->lock);
    if (!list_empty(&w->queue)) {
        work = LIST_ENTRY(w->queue.next, struct work, node);
        list_remove(&work->node);
    }
    pthread_mutex_unlock(&w->lock);
    return work;
}

static void *run(void *arg)
{
    struct worker *me = arg;
    struct work *work;
    while ((work = next_work(me->all)) != NULL)
        work->run(work, me->desk);
    return NULL;
}

enum err workers_open(struct app *app, unsigned n, struct workers **out)
{
    struct workers *w = calloc(1, sizeof *w + n * sizeof w->each[0]);
    if (!w)
        return ERR_NOMEM;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    list_init(&w->queue);
    enum err e = OK;
    for (w->n = 0; w->n < n && e == OK; w->n++) {
        struct worker *me = &w->each[w->n];
        me->all = w;
        e = desk_open(app, &me->desk);
        if (e == OK && pthread_create(&me->thread, NULL, run, me) != 0)
            e = ERR_NOMEM;
        else
            me->is_started = e == OK;
    }
    if (e != OK) {
        workers_close(w);
        return e;
    }
    *out = w;
    return OK;
}

void workers_add(struct workers *w, struct work *work)
{
    pthread_mutex_lock(&w->lock);
    list_push_back(&w->queue, &work->node);
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

void workers_close(struct workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_closing = true;
    pthread_cond_broadcast(&w->more);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n; i++) {
        if (w->each[i].is_started)
            pthread_join(w->each[i].thread, NULL);
        desk_close(w->each[i].desk);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->more);
    free(w);
}
