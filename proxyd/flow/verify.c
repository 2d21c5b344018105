/* verify: a queue, a thread, answers by mail. */
#include "proxyd/flow/verify.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/password.h"
#include "base/secret.h"

struct verify_job {
    struct wake_message m; /* first */
    struct list in_queue;
    struct wake *wake;
    void (*done)(void *ctx, enum err e); /* NULL: nobody waits; the worker's alone */
    void *ctx;
    enum err result;
    size_t hash_n, password_n;
    char hash[PASSWORD_HASH_BYTES];
    char password[PASSWORD_MAX + 1];
};

struct verify {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct list queue;
    unsigned n;
    bool is_stopping;
};

static void on_mail(struct wake_message *m, void *owner)
{
    struct verify_job *j = (struct verify_job *)(void *)m;
    (void)owner;
    if (j->done)
        j->done(j->ctx, j->result);
    free(j);
}

static struct verify_job *next_job(struct verify *v)
{
    struct verify_job *j = NULL;
    pthread_mutex_lock(&v->lock);
    while (list_empty(&v->queue) && !v->is_stopping)
        pthread_cond_wait(&v->changed, &v->lock);
    if (!list_empty(&v->queue) && !v->is_stopping) {
        j = LIST_ENTRY(v->queue.next, struct verify_job, in_queue);
        list_remove(&j->in_queue);
        v->n--;
    }
    pthread_mutex_unlock(&v->lock);
    return j;
}

static void *work(void *arg)
{
    struct verify *v = arg;
    struct verify_job *j;
    while ((j = next_job(v))) {
        j->result =
            password_check(str_make(j->hash, j->hash_n), str_make(j->password, j->password_n));
        secret_wipe(j->password, sizeof j->password);
        wake_post(j->wake, &j->m);
    }
    return NULL;
}

enum err verify_start(struct verify **out)
{
    struct verify *v = calloc(1, sizeof *v);
    if (!v)
        return ERR_NOMEM;
    list_init(&v->queue);
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    if (pthread_create(&v->thread, NULL, work, v) != 0) {
        free(v);
        return ERR_NOMEM;
    }
    *out = v;
    return OK;
}

void verify_stop(struct verify *v)
{
    if (!v)
        return;
    pthread_mutex_lock(&v->lock);
    v->is_stopping = true;
    pthread_cond_signal(&v->changed);
    pthread_mutex_unlock(&v->lock);
    pthread_join(v->thread, NULL);
    while (!list_empty(&v->queue)) {
        struct verify_job *j = LIST_ENTRY(v->queue.next, struct verify_job, in_queue);
        list_remove(&j->in_queue);
        secret_wipe(j->password, sizeof j->password);
        j->result = ERR_BUSY;
        wake_post(j->wake, &j->m);
    }
    pthread_mutex_destroy(&v->lock);
    pthread_cond_destroy(&v->changed);
    free(v);
}

struct verify_job *verify_ask(struct verify *v, struct wake *wake, struct str hash,
                              struct str password)
{
    struct verify_job *j = calloc(1, sizeof *j);
    if (!j || hash.n > sizeof j->hash || password.n > PASSWORD_MAX) {
        free(j);
        return NULL;
    }
    j->m.run = on_mail;
    j->wake = wake;
    j->hash_n = hash.n;
    j->password_n = password.n;
    memcpy(j->hash, hash.p ? hash.p : "", hash.n);
    memcpy(j->password, password.p ? password.p : "", password.n);
    pthread_mutex_lock(&v->lock);
    bool has_room = v->n < VERIFY_QUEUE && !v->is_stopping;
    if (has_room) {
        list_push_back(&v->queue, &j->in_queue);
        v->n++;
        pthread_cond_signal(&v->changed);
    }
    pthread_mutex_unlock(&v->lock);
    if (has_room)
        return j;
    secret_wipe(j->password, sizeof j->password);
    free(j);
    return NULL;
}

void verify_expect(struct verify_job *j, void (*done)(void *ctx, enum err e), void *ctx)
{
    j->done = done;
    j->ctx = ctx;
}

void verify_give_up(struct verify_job *j)
{
    j->done = NULL;
}
