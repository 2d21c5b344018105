/* login_limit: a small table, looked through from end to end; a failed login costs far more. */
#include "adminui/login_limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char key[160]; /* cut; two keys with one prefix share their fate */
    unsigned failures;
    int64_t last_ms, free_at_ms;
};

struct login_limit {
    pthread_mutex_t lock;
    size_t n;
    struct entry entries[LOGIN_LIMIT_ENTRIES];
};

struct login_limit *login_limit_new(void)
{
    struct login_limit *l = calloc(1, sizeof *l);
    if (l)
        pthread_mutex_init(&l->lock, NULL);
    return l;
}

void login_limit_free(struct login_limit *l)
{
    if (!l)
        return;
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static struct str key_of(struct str key)
{
    return str_sub(key, 0, sizeof((struct entry *)0)->key - 1);
}

static struct entry *find(struct login_limit *l, struct str key)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(str_of(l->entries[i].key), key_of(key)))
            return &l->entries[i];
    return NULL;
}

static struct entry *make(struct login_limit *l, struct str key)
{
    struct entry *e = &l->entries[0];
    if (l->n < LOGIN_LIMIT_ENTRIES) {
        e = &l->entries[l->n++];
    } else {
        for (size_t i = 1; i < l->n; i++)
            if (l->entries[i].last_ms < e->last_ms)
                e = &l->entries[i];
    }
    *e = (struct entry){0};
    key = key_of(key);
    memcpy(e->key, key.p, key.n);
    return e;
}

int64_t login_limit_wait_ms(struct login_limit *l, struct str key, int64_t now_ms)
{
    pthread_mutex_lock(&l->lock);
    const struct entry *e = find(l, key);
    int64_t wait = e && e->free_at_ms > now_ms ? e->free_at_ms - now_ms : 0;
    pthread_mutex_unlock(&l->lock);
    return wait;
}

void login_limit_failed(struct login_limit *l, struct str key, int64_t now_ms)
{
    pthread_mutex_lock(&l->lock);
    struct entry *e = find(l, key);
    if (!e)
        e = make(l, key);
    if (now_ms - e->last_ms > LOGIN_LIMIT_FORGET_MS)
        e->failures = 0;
    e->last_ms = now_ms;
    e->failures++;
    if (e->failures >= LOGIN_LIMIT_FREE) {
        unsigned doublings = e->failures - LOGIN_LIMIT_FREE;
        int64_t wait = doublings > 10 ? LOGIN_LIMIT_MAX_MS : (int64_t)1000 << doublings;
        e->free_at_ms = now_ms + (wait < LOGIN_LIMIT_MAX_MS ? wait : LOGIN_LIMIT_MAX_MS);
    }
    pthread_mutex_unlock(&l->lock);
}

void login_limit_succeeded(struct login_limit *l, struct str key)
{
    pthread_mutex_lock(&l->lock);
    struct entry *e = find(l, key);
    if (e)
        *e = l->entries[--l->n];
    pthread_mutex_unlock(&l->lock);
}
