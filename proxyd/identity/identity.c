/* identity: the life of a pair: refused at once when it cannot be one; answered from the cache;
 * else joined to the same pair under way, or queued; judged on a helper thread; remembered; posted
 * to every waiting worker. Locks: `lock` guards queue, pairs under way and the config; a shard of
 * the cache is taken inside it, never the other way round. */
#include "proxyd/identity/identity.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/must.h"
#include "base/password.h"
#include "base/secret.h"
#include "proxyd/identity/id_cache.h"
#include "proxyd/identity/id_local.h"
#include "proxyd/identity/id_memo.h"
#include "proxyd/identity/id_person.h"

#define BUCKETS         256
#define THREADS         8
#define QUEUE           1024
#define STRIPES         16
#define STALE_STEP_MS   10000 /* in an outage, how long an old answer is used before asking again */
#define REFRESH_PERCENT 80 /* of the time an answer holds: then it is asked again ahead of time */
#define ARENA_CEILING   (4u << 20)

struct held { /* a config in use */
    atomic_uint refs;
    struct identity_config *c;
};

struct identity_waiter { /* one ask of one worker; the worker's alone once posted */
    struct wake_message message;
    struct wake *wake;
    struct identity_ask *ask; /* NULL: cancelled; touched on the worker's thread only */
    struct identity_waiter *next;
    enum identity_result result;
    struct identity_person *person;
};

struct job { /* one pair under way */
    struct list in_bucket, in_queue;
    struct id_key key;
    struct str user, password; /* point into text */
    struct identity_waiter *waiters;
    struct held *held;
    uint64_t generation; /* of the cache when it began */
    char text[];
};

struct identity {
    const struct clock *clock;
    struct id_cache *cache;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list queue, bucket[BUCKETS];
    size_t n_queued, max_queued;
    struct held *held;           /* NULL before the first configure */
    _Atomic uint64_t generation; /* written under the lock */
    bool is_stopping;
    pthread_t *threads;
    unsigned n_threads, n_running;
    _Atomic size_t n_busy;
    _Atomic uint64_t n_denied, n_unavailable, n_refused_busy, n_stale, n_refreshed;
    struct stripe { /* what every request counts: by worker, so that they do not meet */
        _Alignas(64) _Atomic uint64_t n_asked, n_from_cache;
    } stripes[STRIPES];
};

const char *identity_result_name(enum identity_result r)
{
    switch (r) {
    case IDENTITY_OK: return "ok";
    case IDENTITY_DENIED: return "denied";
    case IDENTITY_UNAVAILABLE: return "unavailable";
    case IDENTITY_BUSY: return "busy";
    case IDENTITY_PENDING: return "pending";
    }
    return "";
}

/* --- config ---------------------------------------------------------------------------------- */

struct identity_config *identity_config_new(void)
{
    struct identity_config *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    arena_init(&c->arena, 16384, (size_t)256 << 20);
    c->good_ms = 300000;
    c->bad_ms = 60000;
    c->stale_ms = 3600000;
    return c;
}

void identity_config_free(struct identity_config *c)
{
    if (!c)
        return;
    id_ldap_unref(c->ldap);
    arena_fini(&c->arena);
    free(c);
}

static void held_unref(struct held *h)
{
    if (!h || atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) > 1)
        return;
    identity_config_free(h->c);
    free(h);
}

static struct held *held_ref(struct held *h)
{
    atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    return h;
}

/* Under the lock. What is under way is not remembered either, nor by a connection what it found
 * between the two steps. */
static void forget(struct identity *id, struct str user)
{
    id->generation++;
    id_cache_forget(id->cache, user);
    id->generation++;
}

enum err identity_configure(struct identity *id, struct identity_config *take_config)
{
    struct held *fresh = calloc(1, sizeof *fresh);
    if (!fresh) {
        identity_config_free(take_config);
        return ERR_NOMEM;
    }
    atomic_init(&fresh->refs, 1);
    fresh->c = take_config;
    id_local_sort(take_config->users, take_config->n_users);
    pthread_mutex_lock(&id->lock);
    struct held *old = id->held;
    id->held = fresh;
    if (!old || old->c->stamp != take_config->stamp)
        forget(id, STR(""));
    pthread_mutex_unlock(&id->lock);
    held_unref(old);
    return OK;
}

void identity_forget(struct identity *id, struct str user)
{
    pthread_mutex_lock(&id->lock);
    forget(id, user);
    pthread_mutex_unlock(&id->lock);
}

/* --- asking ---------------------------------------------------------------------------------- */

static bool is_possible(struct str user, struct str password)
{
    return user.n > 0 && user.n <= IDENTITY_NAME_MAX && password.n > 0 &&
           password.n <= IDENTITY_PASSWORD_MAX && str_find(user, '\0') == STR_NPOS &&
           str_find(password, '\0') == STR_NPOS;
}

static void count(struct identity *id, enum identity_result r)
{
    switch (r) {
    case IDENTITY_OK:
    case IDENTITY_PENDING: break;
    case IDENTITY_DENIED: id->n_denied++; break;
    case IDENTITY_UNAVAILABLE: id->n_unavailable++; break;
    case IDENTITY_BUSY: id->n_refused_busy++; break;
    }
}

static struct stripe *stripe_of(struct identity *id, const struct identity_ask *a)
{
    return &id->stripes[((uintptr_t)a->wake >> 6) % STRIPES];
}

static void count_cached(struct identity *id, const struct identity_ask *a)
{
    atomic_fetch_add_explicit(&stripe_of(id, a)->n_from_cache, 1, memory_order_relaxed);
}

/* *is_aging: the answer holds, and somebody should ask again before it does not. */
static bool from_cache(struct identity *id, const struct id_key *k, struct identity_ask *a,
                       bool *is_aging)
{
    struct identity_person *p = NULL;
    enum id_cache_hit hit = id_cache_find(id->cache, k, clock_mono_ms(id->clock), &p);
    *is_aging = hit == ID_CACHE_AGING;
    switch (hit) {
    case ID_CACHE_GOOD:
    case ID_CACHE_AGING:
        a->result = IDENTITY_OK;
        a->person = p;
        break;
    case ID_CACHE_BAD: a->result = IDENTITY_DENIED; break;
    case ID_CACHE_STALE: identity_person_unref(p); return false;
    case ID_CACHE_MISS: return false;
    }
    count_cached(id, a);
    return true;
}

static struct job *find_job(struct identity *id, const struct id_key *k)
{
    struct list *b = &id->bucket[k->digest[0] % BUCKETS];
    for (struct list *n = b->next; n != b; n = n->next) {
        struct job *j = LIST_ENTRY(n, struct job, in_bucket);
        if (j->key.digest[0] == k->digest[0] && j->key.digest[1] == k->digest[1] &&
            j->generation == id->generation)
            return j;
    }
    return NULL;
}

/* Under the lock. NULL: out of memory. */
static struct job *queue_job(struct identity *id, const struct id_key *k, struct str user,
                             struct str password)
{
    struct job *j = calloc(1, sizeof *j + user.n + password.n + 2);
    if (!j)
        return NULL;
    j->key = *k;
    j->user = (struct str){j->text, user.n};
    j->password = (struct str){j->text + user.n + 1, password.n};
    memcpy(j->text, user.p, user.n);
    memcpy(j->text + user.n + 1, password.p, password.n);
    j->held = held_ref(id->held);
    j->generation = id->generation;
    list_push_back(&id->bucket[k->digest[0] % BUCKETS], &j->in_bucket);
    list_push_back(&id->queue, &j->in_queue);
    id->n_queued++;
    pthread_cond_signal(&id->work);
    return j;
}

/* Under the lock. Joins the pair under way or queues it. */
static enum identity_result join(struct identity *id, const struct id_key *k,
                                 struct identity_waiter *w, const struct str pair[2])
{
    if (id->is_stopping || !id->held)
        return IDENTITY_UNAVAILABLE;
    struct job *j = find_job(id, k);
    if (!j && id->n_queued >= id->max_queued)
        return IDENTITY_BUSY;
    if (!j)
        j = queue_job(id, k, pair[0], pair[1]);
    if (!j)
        return IDENTITY_BUSY;
    w->next = j->waiters;
    j->waiters = w;
    return IDENTITY_PENDING;
}

/* Asks again ahead of time, for nobody in particular: whoever comes later finds a fresh answer and
 * never waits. Gives way to people who wait. */
static void refresh(struct identity *id, const struct id_key *k, struct str user,
                    struct str password)
{
    pthread_mutex_lock(&id->lock);
    if (!id->is_stopping && id->held && id->n_queued < id->max_queued / 2 && !find_job(id, k) &&
        queue_job(id, k, user, password))
        id->n_refreshed++;
    pthread_mutex_unlock(&id->lock);
}

static void waiter_run(struct wake_message *m, void *owner)
{
    struct identity_waiter *w = (struct identity_waiter *)(void *)m; /* its first member */
    struct identity_ask *a = w->ask;
    if (!a) {
        identity_person_unref(w->person);
        free(w);
        return;
    }
    a->waiter = NULL;
    a->result = w->result;
    a->person = w->person;
    free(w);
    a->done(a, owner);
}

/* To a helper thread, or to one that is at it already. */
static enum identity_result ask_helper(struct identity *id, const struct id_key *k,
                                       struct identity_ask *a, const struct str pair[2])
{
    bool is_aging;
    struct identity_waiter *w = calloc(1, sizeof *w);
    if (!w)
        return IDENTITY_BUSY;
    w->message.run = waiter_run;
    w->wake = a->wake;
    w->ask = a;
    pthread_mutex_lock(&id->lock);
    /* Once more: it may have been answered between the two looks. */
    if (!from_cache(id, k, a, &is_aging))
        a->result = join(id, k, w, pair);
    if (a->result == IDENTITY_PENDING)
        a->waiter = w;
    pthread_mutex_unlock(&id->lock);
    if (a->result != IDENTITY_PENDING)
        free(w);
    return a->result;
}

enum identity_result identity_ask(struct identity *id, struct identity_ask *a, struct str user,
                                  struct str password)
{
    struct id_key key;
    bool is_aging;
    must(a->waiter == NULL);
    a->person = NULL;
    a->result = IDENTITY_DENIED;
    uint64_t generation = atomic_load_explicit(&id->generation, memory_order_acquire);
    atomic_fetch_add_explicit(&stripe_of(id, a)->n_asked, 1, memory_order_relaxed);
    if (!is_possible(user, password)) {
        count(id, a->result);
        return a->result;
    }
    id_cache_key(id->cache, user, password, &key);
    const struct str pair[2] = {user, password};
    int64_t now_ms = clock_mono_ms(id->clock);
    a->person = id_memo_recall(a->memo, &key, generation, now_ms);
    if (a->person) {
        a->result = IDENTITY_OK;
        count_cached(id, a);
        return a->result;
    }
    if (!from_cache(id, &key, a, &is_aging))
        a->result = ask_helper(id, &key, a, pair);
    else if (is_aging)
        refresh(id, &key, user, password);
    else if (a->person)
        id_memo_keep(a->memo, &key, generation, now_ms, a->person);
    count(id, a->result);
    return a->result;
}

void identity_cancel(struct identity_ask *a)
{
    if (a->waiter)
        a->waiter->ask = NULL;
    a->waiter = NULL;
}

/* --- judging, on a helper thread ------------------------------------------------------------- */

struct answer {
    enum identity_result result;
    struct identity_person *person; /* owned */
};

static struct answer good(const struct identity_person *like)
{
    struct answer a = {IDENTITY_OK, id_person_new(like)};
    if (!a.person)
        a.result = IDENTITY_BUSY;
    return a;
}

static struct answer ask_local(struct identity *id, const struct identity_local_user *u,
                               struct str password)
{
    if (id_local_check(u, password) != OK)
        return (struct answer){IDENTITY_DENIED, NULL};
    struct identity_person p = {.name = u->name,
                                .groups = u->groups,
                                .n_groups = u->n_groups,
                                .source = IDENTITY_LOCAL,
                                .checked_at_ms = clock_mono_ms(id->clock)};
    return good(&p);
}

static struct answer ask_ldap(struct identity *id, const struct job *j, struct id_ldap_link *link)
{
    struct arena arena;
    struct id_ldap_answer said = {0};
    struct answer out = {IDENTITY_UNAVAILABLE, NULL};
    arena_init(&arena, 8192, ARENA_CEILING);
    struct id_ldap_ask ask = {j->user, j->password, &arena};
    enum err e = link ? id_ldap_login(j->held->c->ldap, link, &ask, &said) : ERR_NOMEM;
    if (e == OK) {
        struct identity_person p = {.name = said.user,
                                    .groups = said.groups,
                                    .group_paths = said.group_paths,
                                    .n_groups = said.n_groups,
                                    .source = IDENTITY_LDAP,
                                    .checked_at_ms = clock_mono_ms(id->clock)};
        out = good(&p);
    } else if (e == ERR_DENIED) {
        out.result = IDENTITY_DENIED;
    }
    arena_fini(&arena);
    return out;
}

static struct answer judge(struct identity *id, const struct job *j, struct id_ldap_link *link)
{
    const struct identity_config *c = j->held->c;
    const struct identity_local_user *u = id_local_find(c->users, c->n_users, j->user);
    if (u)
        return ask_local(id, u, j->password);
    if (c->ldap)
        return ask_ldap(id, j, link);
    enum err e = password_check_nobody(j->password); /* time must not tell who exists */
    return (struct answer){e == ERR_DENIED ? IDENTITY_DENIED : IDENTITY_UNAVAILABLE, NULL};
}

/* In an outage the last good answer holds on, for the time the settings allow. */
static void fall_back(struct identity *id, const struct job *j, struct answer *a)
{
    struct identity_person *p = NULL;
    int64_t now = clock_mono_ms(id->clock);
    enum id_cache_hit hit = id_cache_find(id->cache, &j->key, now, &p);
    if (hit == ID_CACHE_MISS || hit == ID_CACHE_BAD)
        return;
    *a = (struct answer){IDENTITY_OK, p};
    id->n_stale++;
}

/* Under the lock. */
static void remember(struct identity *id, const struct job *j, const struct answer *a)
{
    const struct identity_config *c = j->held->c;
    int64_t now = clock_mono_ms(id->clock);
    if (j->generation != id->generation)
        return;
    if (a->result == IDENTITY_DENIED) {
        id_cache_put_bad(id->cache, &j->key, now + c->bad_ms);
        return;
    }
    if (a->result != IDENTITY_OK)
        return;
    int64_t checked = a->person->checked_at_ms;
    struct id_cache_until until = {checked + c->good_ms, checked + c->good_ms,
                                   checked + (int64_t)c->good_ms * REFRESH_PERCENT / 100};
    if (now >= until.fresh_ms) /* nobody could be asked: not again at the next request */
        until.fresh_ms = now + STALE_STEP_MS;
    if (a->person->source == IDENTITY_LDAP)
        until.stale_ms += c->stale_ms;
    if (now >= until.good_ms) /* an old answer: asked again soon, and no longer than allowed */
        until.good_ms = now + STALE_STEP_MS < until.stale_ms ? now + STALE_STEP_MS : until.stale_ms;
    id_cache_put_good(id->cache, &j->key, a->person, until);
}

static void job_free(struct job *j)
{
    size_t n = j->user.n + j->password.n + 2;
    secret_wipe(j->text, n);
    held_unref(j->held);
    free(j);
}

/* Tells everybody who waits; the job ends here. Takes a->person. */
static void finish(struct identity *id, struct job *j, struct answer *a)
{
    pthread_mutex_lock(&id->lock);
    remember(id, j, a);
    list_remove(&j->in_bucket);
    pthread_mutex_unlock(&id->lock);
    for (struct identity_waiter *w = j->waiters, *next; w; w = next) {
        next = w->next;
        w->result = a->result;
        w->person = a->person ? identity_person_ref(a->person) : NULL;
        count(id, a->result);
        wake_post(w->wake, &w->message);
    }
    identity_person_unref(a->person);
    job_free(j);
}

static struct job *take_job(struct identity *id)
{
    struct job *j = NULL;
    pthread_mutex_lock(&id->lock);
    while (list_empty(&id->queue) && !id->is_stopping)
        pthread_cond_wait(&id->work, &id->lock);
    if (!id->is_stopping) {
        j = LIST_ENTRY(id->queue.next, struct job, in_queue);
        list_remove(&j->in_queue);
        id->n_queued--;
    }
    pthread_mutex_unlock(&id->lock);
    return j;
}

static void *helper(void *arg)
{
    struct identity *id = arg;
    struct id_ldap_link *link = id_ldap_link_new();
    struct job *j;
    while ((j = take_job(id)) != NULL) {
        id->n_busy++;
        struct answer a = judge(id, j, link);
        if (a.result == IDENTITY_UNAVAILABLE)
            fall_back(id, j, &a);
        finish(id, j, &a);
        id->n_busy--;
    }
    id_ldap_link_free(link);
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

enum err identity_new(const struct identity_options *o, struct identity **out)
{
    struct identity *id = aligned_alloc(_Alignof(struct identity), sizeof *id);
    if (!id)
        return ERR_NOMEM;
    memset(id, 0, sizeof *id);
    id->clock = o->clock;
    id->max_queued = o->queue ? o->queue : QUEUE;
    id->n_threads = o->n_threads ? o->n_threads : THREADS;
    must(pthread_mutex_init(&id->lock, NULL) == 0 && pthread_cond_init(&id->work, NULL) == 0);
    list_init(&id->queue);
    for (int i = 0; i < BUCKETS; i++)
        list_init(&id->bucket[i]);
    id->cache = id_cache_new();
    id->threads = calloc(id->n_threads, sizeof *id->threads);
    bool is_good = id->cache && id->threads;
    for (; is_good && id->n_running < id->n_threads; id->n_running++) {
        if (pthread_create(&id->threads[id->n_running], NULL, helper, id) != 0) {
            is_good = false;
            break;
        }
    }
    if (!is_good) {
        identity_free(id);
        return ERR_NOMEM;
    }
    *out = id;
    return OK;
}

void identity_stop(struct identity *id)
{
    pthread_mutex_lock(&id->lock);
    id->is_stopping = true;
    pthread_cond_broadcast(&id->work);
    pthread_mutex_unlock(&id->lock);
    for (; id->n_running > 0; id->n_running--)
        pthread_join(id->threads[id->n_running - 1], NULL);
    while (!list_empty(&id->queue)) { /* nobody adds any more */
        struct job *j = LIST_ENTRY(id->queue.next, struct job, in_queue);
        struct answer a = {IDENTITY_UNAVAILABLE, NULL};
        list_remove(&j->in_queue);
        id->n_queued--;
        finish(id, j, &a);
    }
}

void identity_free(struct identity *id)
{
    if (!id)
        return;
    identity_stop(id);
    held_unref(id->held);
    id_cache_free(id->cache);
    pthread_cond_destroy(&id->work);
    pthread_mutex_destroy(&id->lock);
    free(id->threads);
    free(id);
}

void identity_status(struct identity *id, struct arena *a, struct identity_status *out)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&id->lock);
    struct held *h = id->held ? held_ref(id->held) : NULL;
    out->n_queued = id->n_queued;
    pthread_mutex_unlock(&id->lock);
    id_cache_count(id->cache, clock_mono_ms(id->clock), &out->n_cached, &out->n_cached_bad);
    out->n_threads = id->n_threads;
    out->n_busy = id->n_busy;
    for (int i = 0; i < STRIPES; i++) {
        out->n_asked += id->stripes[i].n_asked;
        out->n_from_cache += id->stripes[i].n_from_cache;
    }
    out->n_denied = id->n_denied;
    out->n_unavailable = id->n_unavailable;
    out->n_refused_busy = id->n_refused_busy;
    out->n_stale = id->n_stale;
    out->n_refreshed = id->n_refreshed;
    if (h) {
        out->n_local_users = h->c->n_users;
        out->has_directory = h->c->ldap != NULL;
        if (h->c->ldap)
            out->n_servers = id_ldap_status(h->c->ldap, out->servers);
        for (size_t i = 0; i < out->n_servers; i++) {
            struct str url = arena_str(a, str_of(out->servers[i].url));
            out->servers[i].url = url.p ? url.p : "";
        }
    }
    held_unref(h);
}
