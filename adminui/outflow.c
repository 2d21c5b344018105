/* outflow: a ring under a mutex. */
#include "adminui/outflow.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct outflow {
    atomic_int refs;
    pthread_mutex_t lock;
    pthread_cond_t room;
    char *p;
    size_t cap, start, n;
    bool is_ended, is_gone, is_parked;
    void (*park)(void *);
    void (*wake)(void *);
    void *ctx;
};

struct outflow *outflow_new(size_t bound_bytes)
{
    struct outflow *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->p = malloc(bound_bytes);
    if (!o->p) {
        free(o);
        return NULL;
    }
    o->cap = bound_bytes;
    atomic_init(&o->refs, 1);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->room, NULL);
    return o;
}

struct outflow *outflow_ref(struct outflow *o)
{
    atomic_fetch_add(&o->refs, 1);
    return o;
}

void outflow_unref(struct outflow *o)
{
    if (atomic_fetch_sub(&o->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->room);
    free(o->p);
    free(o);
}

static void wake_reader(struct outflow *o)
{
    if (!o->is_parked)
        return;
    o->is_parked = false;
    o->wake(o->ctx);
}

static void put(struct outflow *o, struct str s)
{
    size_t end = (o->start + o->n) % o->cap;
    size_t first = s.n < o->cap - end ? s.n : o->cap - end;
    memcpy(o->p + end, s.p, first);
    memcpy(o->p, s.p + first, s.n - first);
    o->n += s.n;
    wake_reader(o);
}

bool outflow_write(struct outflow *o, struct str s)
{
    pthread_mutex_lock(&o->lock);
    while (s.n && !o->is_gone) {
        size_t room = o->cap - o->n;
        if (!room) {
            pthread_cond_wait(&o->room, &o->lock);
            continue;
        }
        struct str part = str_sub(s, 0, room);
        put(o, part);
        s = str_sub(s, part.n, s.n);
    }
    bool is_there = !o->is_gone;
    pthread_mutex_unlock(&o->lock);
    return is_there;
}

bool outflow_try(struct outflow *o, struct str s)
{
    pthread_mutex_lock(&o->lock);
    bool fits = !o->is_gone && s.n <= o->cap - o->n;
    if (fits && s.n)
        put(o, s);
    pthread_mutex_unlock(&o->lock);
    return fits;
}

void outflow_end(struct outflow *o)
{
    pthread_mutex_lock(&o->lock);
    o->is_ended = true;
    wake_reader(o);
    pthread_mutex_unlock(&o->lock);
}

bool outflow_is_gone(struct outflow *o)
{
    pthread_mutex_lock(&o->lock);
    bool gone = o->is_gone;
    pthread_mutex_unlock(&o->lock);
    return gone;
}

void outflow_attach(struct outflow *o, void (*park)(void *), void (*wake)(void *), void *ctx)
{
    pthread_mutex_lock(&o->lock);
    o->park = park;
    o->wake = wake;
    o->ctx = ctx;
    pthread_mutex_unlock(&o->lock);
}

ssize_t outflow_read(struct outflow *o, char *out, size_t room)
{
    pthread_mutex_lock(&o->lock);
    ssize_t got = -1;
    if (o->n) {
        size_t n = o->n < room ? o->n : room;
        size_t first = n < o->cap - o->start ? n : o->cap - o->start;
        memcpy(out, o->p + o->start, first);
        memcpy(out + first, o->p, n - first);
        o->start = (o->start + n) % o->cap;
        o->n -= n;
        got = (ssize_t)n;
        pthread_cond_signal(&o->room);
    } else if (!o->is_ended && !o->is_gone) {
        got = 0;
        o->is_parked = true;
        o->park(o->ctx);
    }
    pthread_mutex_unlock(&o->lock);
    return got;
}

static void set_gone(struct outflow *o)
{
    pthread_mutex_lock(&o->lock);
    o->is_gone = true;
    pthread_cond_broadcast(&o->room);
    wake_reader(o);
    pthread_mutex_unlock(&o->lock);
}

void outflow_leave(struct outflow *o)
{
    pthread_mutex_lock(&o->lock);
    o->is_parked = false; /* there is nobody to wake */
    pthread_mutex_unlock(&o->lock);
    set_gone(o);
}

void outflow_stop(struct outflow *o)
{
    set_gone(o);
}
