/* subscriber: sleep until the next is due, fetch, compare checksums, hand over. */
#include "adminui/subscriber.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adminui/desk.h"
#include "adminui/fetch.h"
#include "adminui/job_subscription.h"
#include "adminui/jobs.h"
#include "adminui/subscription_config.h"
#include "base/diag.h"
#include "base/mapfile.h"
#include "base/secret.h"
#include "db/subscription_rows.h"

#define LOOK_MS      60000 /* at the latest */
#define CHECKSUM_MAX 65536
#define ASKED_MAX    64
#define FETCHERS     3

struct fetcher {
    struct subscriber *s;
    struct desk *desk;
    pthread_t thread;
    bool is_started;
    uint64_t busy; /* the subscription at hand; 0: none; under the lock */
};

struct subscriber {
    struct app *app;
    struct fetcher fetchers[FETCHERS];
    atomic_bool is_closing;
    atomic_uint n_fetches;
    pthread_mutex_t lock;
    pthread_cond_t kicked;
    uint64_t asked[ASKED_MAX]; /* to be fetched now; under the lock */
    size_t n_asked;
    uint64_t n_ended; /* fetches; under the lock */
};

/* One fetch, from the row to the job. */
struct turn {
    struct subscriber *s;
    struct desk *desk;
    struct arena arena;
    struct subscription row;
    struct subscription_config config;
    json_t *config_json;
    struct fetch_answer got;
    char path[4096], hash[2 * EVP_MAX_MD_SIZE + 1], why[FETCH_WHY_BYTES];
    int64_t began_ms;
    bool is_forced;
};

/* --- checksums ---------------------------------------------------------------------------------
 */

static bool digest(const char *path, const EVP_MD *kind, char out[2 * EVP_MAX_MD_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct mapfile m = {0};
    if (mapfile_open(&m, path) != OK)
        return false;
    bool is_good = EVP_Digest(m.p, m.n, sum, &n, kind, NULL) == 1;
    mapfile_close(&m);
    for (unsigned i = 0; i < n; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * (size_t)n] = 0;
    return is_good;
}

/* The first run of hexadecimal digits of a checksum file. */
static struct str hex_of(struct str text)
{
    size_t n = 0;
    text = str_trim(text);
    while (n < text.n && strchr("0123456789abcdefABCDEF", text.p[n]))
        n++;
    return str_sub(text, 0, n);
}

static struct fetch_ask ask_for(struct turn *t, const char *url, const char *to)
{
    const struct subscription_config *c = &t->config;
    return (struct fetch_ask){.url = url,
                              .to = to,
                              .max_bytes = c->max_bytes,
                              .username = c->username,
                              .password = c->password,
                              .ca_file = c->ca_file,
                              .proxy = c->proxy,
                              .may_be_private = c->may_be_private,
                              .is_cancelled = &t->s->is_closing};
}

static enum err mismatch(struct turn *t, const char *what)
{
    snprintf(t->why, sizeof t->why, "%s", what);
    return ERR_CORRUPT;
}

/* Against the file beside the list, as its publisher keeps it: SHA-256 or MD5 by its length. */
static enum err check_beside(struct turn *t)
{
    char path[4200], sum[2 * EVP_MAX_MD_SIZE + 1];
    struct fetch_answer a;
    struct mapfile m = {0};
    snprintf(path, sizeof path, "%s.sum", t->path);
    struct fetch_ask ask = ask_for(t, t->config.checksum_url, path);
    ask.max_bytes = CHECKSUM_MAX;
    enum err e = fetch_file(&ask, &a);
    if (e != OK) {
        snprintf(t->why, sizeof t->why, "its checksum: %.200s", a.why);
        return e;
    }
    e = mapfile_open(&m, path);
    struct str want = e == OK ? hex_of(str_make(m.p, m.n)) : (struct str){0};
    const EVP_MD *kind = want.n == 64 ? EVP_sha256() : want.n == 32 ? EVP_md5() : NULL;
    bool is_same = kind && digest(t->path, kind, sum) && str_eq_nocase(want, str_of(sum));
    mapfile_close(&m);
    unlink(path);
    if (!kind)
        return mismatch(t, "its checksum file begins with no SHA-256 or MD5");
    return is_same ? OK : mismatch(t, "it does not fit the checksum beside it");
}

static enum err check_sums(struct turn *t)
{
    if (!digest(t->path, EVP_sha256(), t->hash))
        return mismatch(t, "the file cannot be read");
    if (*t->config.checksum && strcasecmp(t->config.checksum, t->hash) != 0)
        return mismatch(t, "it does not fit the checksum that is set");
    return *t->config.checksum_url ? check_beside(t) : OK;
}

/* --- what came ---------------------------------------------------------------------------------
 */

static void write_progress(struct turn *t, enum subscription_outcome outcome)
{
    int64_t now = clock_wall_ms(&t->s->app->clock);
    struct subscription_fetch f = {.subscription = t->row.id,
                                   .at_ms = now,
                                   .took_ms = now - t->began_ms,
                                   .outcome = outcome,
                                   .status = (unsigned)t->got.status,
                                   .bytes = t->got.bytes,
                                   .entries = t->row.entries,
                                   .why = str_of(t->why)};
    uint32_t random = 0;
    enum err e = secret_random(&random, sizeof random);
    t->row.checked_ms = now;
    t->row.next_ms = job_subscription_next(now, t->config.every_hours, t->row.failures, random);
    e = subscription_rows_ended(t->desk->store, &t->row, &f);
    if (e != OK && e != ERR_CONFLICT) /* else it was changed meanwhile, and is fetched again */
        diag(DIAG_WARN, "subscriber", "the state of a subscription was not stored", "why",
             store_why(t->desk->store), NULL);
}

/* What we have is what there is. */
static void unchanged(struct turn *t)
{
    t->row.failures = 0;
    if (t->row.state != SUBSCRIPTION_WAITING) {
        t->row.state = SUBSCRIPTION_FRESH;
        t->row.why = STR("");
        t->row.good_ms = clock_wall_ms(&t->s->app->clock);
    }
    write_progress(t, SUBSCRIPTION_UNCHANGED);
}

static void failed(struct turn *t)
{
    t->row.failures++;
    t->row.why = str_of(t->why);
    if (t->row.state != SUBSCRIPTION_WAITING)
        t->row.state = SUBSCRIPTION_FAILING;
    diag(DIAG_WARN, "subscriber", "a list was not fetched", "name", t->config.name, "why", t->why,
         NULL);
    write_progress(t, SUBSCRIPTION_FAILED);
}

static void hand_over(struct turn *t)
{
    uint64_t id;
    struct job_order order = {.kind = JOB_SUBSCRIPTION, .by = STR("subscription")};
    order.source = t->row.name;
    order.take_upload = strdup(t->path);
    order.take_ask =
        json_pack("{s:I,s:I,s:s,s:s,s:s,s:I,s:I,s:I}", "id", (json_int_t)t->row.id, "revision",
                  (json_int_t)t->row.revision, "etag", t->got.etag, "last_modified",
                  t->got.last_modified, "hash", t->hash, "status", (json_int_t)t->got.status,
                  "bytes", (json_int_t)t->got.bytes, "began_ms", (json_int_t)t->began_ms);
    /* The job says how it went; until then it is not due. Before the job, or it would be undone. */
    t->row.next_ms = clock_wall_ms(&t->s->app->clock) + 15 * LOOK_MS;
    enum err e = order.take_upload && order.take_ask
                     ? subscription_rows_progress(t->desk->store, &t->row)
                     : ERR_NOMEM;
    if (e == OK)
        e = jobs_add(t->s->app->jobs, &order, &id);
    if (e == OK)
        return;
    free(order.take_upload);
    json_decref(order.take_ask);
    unlink(t->path);
    if (e == ERR_CONFLICT) /* changed meanwhile: it is fetched again */
        return;
    snprintf(t->why, sizeof t->why, "too many jobs wait");
    failed(t);
}

/* --- one list ----------------------------------------------------------------------------------
 */

static bool load(struct turn *t, uint64_t id)
{
    struct report report;
    if (subscription_rows_get(t->desk->store, &t->arena, id, &t->row) != OK)
        return false;
    report_init(&report);
    t->config_json = json_loadb(t->row.config.p, t->row.config.n, 0, NULL);
    subscription_config_read(t->config_json, &t->config, &report);
    bool is_good = !report_has_faults(&report) && (t->config.is_enabled || t->is_forced);
    report_fini(&report);
    return is_good;
}

static char *text_of(struct turn *t, struct str s)
{
    struct str copy = arena_str(&t->arena, s);
    return (char *)(uintptr_t)(copy.p ? copy.p : "");
}

static void fetch_one(struct fetcher *f, uint64_t id, bool is_forced)
{
    struct subscriber *s = f->s;
    struct turn t = {.s = s, .desk = f->desk, .is_forced = is_forced};
    arena_init(&t.arena, (size_t)16 << 10, (size_t)16 << 20);
    t.began_ms = clock_wall_ms(&s->app->clock);
    if (load(&t, id)) {
        /* a name of its own: the job of the fetch before may still be reading */
        snprintf(t.path, sizeof t.path, "%s/subscription-%llu-%u", s->app->spool_dir,
                 (unsigned long long)id, atomic_fetch_add(&s->n_fetches, 1));
        struct fetch_ask ask = ask_for(&t, t.config.url, t.path);
        ask.etag = text_of(&t, t.row.etag);
        ask.last_modified = text_of(&t, t.row.last_modified);
        enum err e = fetch_file(&ask, &t.got);
        snprintf(t.why, sizeof t.why, "%s", t.got.why);
        if (e == OK && !t.got.is_unchanged)
            e = check_sums(&t);
        bool is_same = e == OK && !t.got.is_unchanged && str_eq(t.row.hash, str_of(t.hash));
        if (e == ERR_CLOSED) {
            unlink(t.path);
        } else if (e != OK) {
            unlink(t.path);
            failed(&t);
        } else if (t.got.is_unchanged || is_same) {
            unlink(t.path);
            unchanged(&t);
        } else {
            hand_over(&t);
        }
    }
    json_decref(t.config_json);
    arena_fini(&t.arena);
}

/* --- the thread --------------------------------------------------------------------------------
 */

/* Under the lock. */
static bool is_busy(const struct subscriber *s, uint64_t id)
{
    for (int i = 0; i < FETCHERS; i++) {
        if (s->fetchers[i].busy == id)
            return true;
    }
    return false;
}

/* Under the lock: the place of the first that was asked for and is not at hand already; n_asked:
 * there is none. */
static size_t find_asked(const struct subscriber *s)
{
    size_t i = 0;
    while (i < s->n_asked && is_busy(s, s->asked[i]))
        i++;
    return i;
}

static bool take_asked(struct fetcher *f, uint64_t *id)
{
    struct subscriber *s = f->s;
    pthread_mutex_lock(&s->lock);
    size_t i = find_asked(s);
    bool has_one = i < s->n_asked;
    if (has_one) {
        *id = f->busy = s->asked[i];
        memmove(s->asked + i, s->asked + i + 1, (--s->n_asked - i) * sizeof *s->asked);
    }
    pthread_mutex_unlock(&s->lock);
    return has_one;
}

/* What was asked for while it was at hand is this thread's next turn: nobody has to be woken. */
static void end_turn(struct fetcher *f)
{
    struct subscriber *s = f->s;
    pthread_mutex_lock(&s->lock);
    s->n_ended += f->busy != 0;
    f->busy = 0;
    pthread_mutex_unlock(&s->lock);
}

static bool may_fetch(const struct subscription *x)
{
    json_t *config = json_loadb(x->config.p, x->config.n, 0, NULL);
    bool is_off = json_is_false(json_object_get(config, "enabled"));
    json_decref(config);
    return !is_off;
}

static uint64_t count_ended(struct subscriber *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t n = s->n_ended;
    pthread_mutex_unlock(&s->lock);
    return n;
}

/* The one that is due longest; *next_ms: when one will be. */
static bool find_due(struct fetcher *f, uint64_t *id, int64_t *next_ms)
{
    struct arena a;
    struct subscription *items;
    size_t n = 0;
    const struct subscription *best = NULL;
    struct subscriber *s = f->s;
    int64_t now = clock_wall_ms(&s->app->clock);
    arena_init(&a, (size_t)16 << 10, (size_t)16 << 20);
    uint64_t n_ended = count_ended(s);
    *next_ms = now + LOOK_MS;
    enum err e = subscription_rows_all(f->desk->store, &a, &items, &n);
    pthread_mutex_lock(&s->lock);
    bool is_old = s->n_ended != n_ended; /* one that ended since may stand there as due */
    for (size_t i = 0; e == OK && !is_old && i < n; i++) {
        if (!is_busy(s, items[i].id) && may_fetch(&items[i]) &&
            (!best || items[i].next_ms < best->next_ms))
            best = &items[i];
    }
    bool is_due = best && best->next_ms <= now;
    if (best && best->next_ms < *next_ms)
        *next_ms = best->next_ms;
    if (is_due)
        *id = f->busy = best->id;
    pthread_mutex_unlock(&s->lock);
    if (is_old)
        *next_ms = now;
    arena_fini(&a);
    return is_due;
}

static void sleep_until(struct subscriber *s, int64_t wall_ms)
{
    struct timespec until;
    int64_t in = wall_ms - clock_wall_ms(&s->app->clock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    in = in < 100 ? 100 : in > LOOK_MS ? LOOK_MS : in;
    until.tv_sec += (time_t)(in / 1000);
    until.tv_nsec += (long)(in % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&s->lock);
    if (find_asked(s) == s->n_asked && !atomic_load(&s->is_closing))
        pthread_cond_timedwait(&s->kicked, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

static void *run(void *arg)
{
    struct fetcher *f = arg;
    struct subscriber *s = f->s;
    while (!atomic_load(&s->is_closing)) {
        uint64_t id;
        int64_t next_ms;
        if (take_asked(f, &id))
            fetch_one(f, id, true);
        else if (find_due(f, &id, &next_ms))
            fetch_one(f, id, false);
        else
            sleep_until(s, next_ms);
        end_turn(f);
    }
    return NULL;
}

static enum err open_fetcher(struct subscriber *s, struct fetcher *f)
{
    f->s = s;
    enum err e = desk_open(s->app, &f->desk);
    if (e == OK && pthread_create(&f->thread, NULL, run, f) != 0)
        e = ERR_NOMEM;
    f->is_started = e == OK;
    return e;
}

enum err subscriber_open(struct app *app, struct subscriber **out)
{
    pthread_condattr_t attr;
    struct subscriber *s = calloc(1, sizeof *s);
    enum err e = OK;
    if (!s)
        return ERR_NOMEM;
    s->app = app;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->kicked, &attr);
    pthread_condattr_destroy(&attr);
    for (int i = 0; i < FETCHERS && e == OK; i++)
        e = open_fetcher(s, &s->fetchers[i]);
    if (e != OK) {
        subscriber_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void subscriber_close(struct subscriber *s)
{
    if (!s)
        return;
    atomic_store(&s->is_closing, true);
    subscriber_kick(s, 0);
    for (int i = 0; i < FETCHERS; i++) {
        if (s->fetchers[i].is_started)
            pthread_join(s->fetchers[i].thread, NULL);
        desk_close(s->fetchers[i].desk);
    }
    pthread_cond_destroy(&s->kicked);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void subscriber_kick(struct subscriber *s, uint64_t id)
{
    pthread_mutex_lock(&s->lock);
    if (id && s->n_asked < ASKED_MAX)
        s->asked[s->n_asked++] = id;
    pthread_cond_broadcast(&s->kicked);
    pthread_mutex_unlock(&s->lock);
}
