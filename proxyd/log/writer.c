/* writer: the log thread, its journals, its sink. */
#include "proxyd/log/writer.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_JOURNAL_BYTES ((size_t)16 << 20)
#define DEFAULT_INTERVAL_MS   100
#define PAUSE_FIRST_MS        100 /* after a failure; doubles */
#define PAUSE_LAST_MS         3000
#define IDLE_EVERY_MS         60000
#define WHY_BYTES             240
#define SOURCES_MAX           (WRITER_JOURNALS_MAX * 2)

struct source {
    struct journal *j;
    uint64_t read_at; /* read but not yet released */
    unsigned number;
    bool is_old; /* of a former start with more workers: removed when empty */
};

struct writer {
    struct writer_options o;
    char *dir;
    struct source *sources; /* SOURCES_MAX; the first n_journals never move */
    size_t n_sources;
    struct record *records; /* WRITER_BATCH */
    size_t n_records;
    struct writer_position *positions; /* SOURCES_MAX */
    bool is_running;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows up to the blank line */
    pthread_cond_t wake, done;
    bool kicked, stopping, ended;
    uint64_t flush_asked, flush_served;
    int64_t stop_at_ms;

    int64_t idle_at_ms;
    _Atomic uint64_t written, batches, failures, lost;
    _Atomic int state; /* enum err */
};

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- opening --- */

static enum err path_of(const struct writer *w, unsigned n, const char *suffix, char out[4096])
{
    int k = snprintf(out, 4096, "%s/journal-%u%s", w->dir, n, suffix);
    return k > 0 && k < 4096 ? OK : ERR_LIMIT;
}

/* A damaged journal is set aside for people to look at; the proxy must start without it. */
static enum err open_or_set_aside(struct writer *w, unsigned n, struct journal **out)
{
    char path[4096], aside[4096];
    enum err e = path_of(w, n, "", path);
    if (e == OK)
        e = path_of(w, n, ".damaged", aside);
    if (e != OK)
        return e;
    e = journal_open(path, w->o.journal_bytes, out);
    if (e != ERR_CORRUPT)
        return e;
    if (rename(path, aside) != 0)
        return err_from_errno(errno);
    atomic_fetch_add(&w->lost, 1);
    return journal_open(path, w->o.journal_bytes, out);
}

static enum err add_source(struct writer *w, unsigned n, bool is_old)
{
    if (w->n_sources == SOURCES_MAX)
        return ERR_FULL;
    struct source *s = &w->sources[w->n_sources];
    *s = (struct source){.number = n, .is_old = is_old};
    enum err e = open_or_set_aside(w, n, &s->j);
    if (e != OK)
        return e;
    struct journal_info info;
    journal_info(s->j, &info);
    s->read_at = info.tail;
    atomic_fetch_add(&w->lost, info.lost);
    w->n_sources++;
    return OK;
}

/* "journal-12" to 12; false for other names. */
static bool number_of(const char *name, unsigned *out)
{
    uint64_t n;
    struct str s = str_of(name);
    if (!str_starts(s, STR("journal-")) ||
        str_to_u64(str_sub(s, 8, s.n), (uint64_t)WRITER_JOURNALS_MAX * 4, &n) != OK)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool has_source(const struct writer *w, unsigned n)
{
    for (size_t i = 0; i < w->n_sources; i++)
        if (w->sources[i].number == n)
            return true;
    return false;
}

static enum err add_old_sources(struct writer *w)
{
    enum err e = OK;
    unsigned n;
    DIR *d = opendir(w->dir);
    if (!d)
        return err_from_errno(errno);
    for (const struct dirent *x = readdir(d); x && e == OK; x = readdir(d)) {
        if (number_of(x->d_name, &n) && !has_source(w, n))
            e = add_source(w, n, true);
        if (e == ERR_BUSY || e == ERR_FULL) /* another process drains it; or next time */
            e = OK;
    }
    closedir(d);
    return e;
}

static enum err open_sources(struct writer *w, char why[WHY_BYTES])
{
    for (unsigned i = 0; i < w->o.n_journals; i++) {
        unsigned n = w->o.first_journal + i;
        enum err e = add_source(w, n, false);
        if (e != OK) {
            snprintf(why, WHY_BYTES, "cannot open %s/journal-%u: %s", w->dir, n,
                     e == ERR_BUSY   ? "another proxyd is using this state directory"
                     : e == ERR_FULL ? "no space left for it"
                                     : err_name(e));
            return e;
        }
    }
    enum err e = add_old_sources(w);
    if (e != OK)
        snprintf(why, WHY_BYTES, "cannot read the journals in %s: %s", w->dir, err_name(e));
    return e;
}

static enum err make_writer(const struct writer_options *o, struct writer **out)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->o = *o;
    if (!w->o.journal_bytes)
        w->o.journal_bytes = DEFAULT_JOURNAL_BYTES;
    if (!w->o.interval_ms)
        w->o.interval_ms = DEFAULT_INTERVAL_MS;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &attr);
    pthread_cond_init(&w->done, &attr);
    pthread_condattr_destroy(&attr);
    w->dir = str_dup(str_of(o->dir));
    w->records = calloc(WRITER_BATCH, sizeof *w->records);
    w->sources = calloc(SOURCES_MAX, sizeof *w->sources);
    w->positions = calloc(SOURCES_MAX, sizeof *w->positions);
    if (!w->dir || !w->records || !w->sources || !w->positions) {
        writer_close(w);
        return ERR_NOMEM;
    }
    *out = w;
    return OK;
}

enum err writer_open(const struct writer_options *o, char why[240], struct writer **out)
{
    struct writer *w;
    if (o->n_journals == 0 || o->n_journals > WRITER_JOURNALS_MAX) {
        snprintf(why, WHY_BYTES, "between 1 and %d workers can be logged", WRITER_JOURNALS_MAX);
        return ERR_INVALID;
    }
    enum err e = make_writer(o, &w);
    if (e != OK) {
        snprintf(why, WHY_BYTES, "out of memory");
        return e;
    }
    e = open_sources(w, why);
    if (e != OK) {
        writer_close(w);
        return e;
    }
    *out = w;
    return OK;
}

struct journal *writer_journal(struct writer *w, unsigned worker)
{
    return worker < w->o.n_journals ? w->sources[worker].j : NULL;
}

uint64_t writer_last_id(struct writer *w)
{
    uint64_t last = 0;
    for (size_t i = 0; i < w->n_sources; i++) {
        struct journal_info info;
        struct str entry;
        struct record r;
        journal_info(w->sources[i].j, &info);
        uint64_t at = info.tail;
        while (journal_read(w->sources[i].j, &at, &entry) == OK) {
            if (record_decode(entry, &r) == OK && r.id > last)
                last = r.id;
        }
    }
    return last;
}

/* --- moving records --- */

/* Takes up to max entries of one journal into the batch. */
static void gather_from(struct writer *w, struct source *s, size_t max)
{
    struct str entry;
    for (size_t taken = 0; taken < max && w->n_records < WRITER_BATCH;) {
        enum err e = journal_read(s->j, &s->read_at, &entry);
        if (e == ERR_AGAIN)
            return;
        if (e == OK && record_decode(entry, &w->records[w->n_records]) == OK) {
            w->n_records++;
            taken++;
        } else {
            atomic_fetch_add(&w->lost, 1);
        }
    }
}

static int by_id(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void sort_batch(struct writer *w)
{
    for (size_t i = 1; i < w->n_records; i++) {
        if (w->records[i].id < w->records[i - 1].id) {
            qsort(w->records, w->n_records, sizeof *w->records, by_id);
            return;
        }
    }
}

static void gather(struct writer *w)
{
    /* A share each first, so that one busy worker does not keep the others waiting. */
    size_t share = WRITER_BATCH / w->n_sources + 1;
    w->n_records = 0;
    for (size_t i = 0; i < w->n_sources; i++)
        gather_from(w, &w->sources[i], share);
    for (size_t i = 0; i < w->n_sources; i++)
        gather_from(w, &w->sources[i], WRITER_BATCH);
    sort_batch(w);
}

static void release(struct writer *w)
{
    for (size_t i = 0; i < w->n_sources; i++)
        journal_release(w->sources[i].j, w->sources[i].read_at);
}

static void take_back(struct writer *w)
{
    for (size_t i = 0; i < w->n_sources; i++) {
        struct journal_info info;
        journal_info(w->sources[i].j, &info);
        w->sources[i].read_at = info.tail;
    }
}

static void remove_old(struct writer *w)
{
    for (size_t i = w->o.n_journals; i < w->n_sources;) {
        struct source *s = &w->sources[i];
        struct journal_info info;
        char path[4096];
        journal_info(s->j, &info);
        if (info.head != info.tail || path_of(w, s->number, "", path) != OK) {
            i++;
            continue;
        }
        journal_close(s->j);
        unlink(path);
        *s = w->sources[--w->n_sources];
    }
}

static void set_state(struct writer *w, enum err e)
{
    enum err was = (enum err)atomic_exchange(&w->state, (int)e);
    if (e != OK)
        atomic_fetch_add(&w->failures, 1);
    if (was == e || !w->o.changed)
        return;
    const char *why = e != OK && w->o.sink.why ? w->o.sink.why(w->o.sink.ctx) : "";
    w->o.changed(w->o.changed_ctx, e, why);
}

/* One batch to the sink. ERR_NOT_FOUND: there was nothing to move. */
static enum err move_batch(struct writer *w)
{
    gather(w);
    if (w->n_records == 0) {
        release(w); /* damaged entries that were stepped over */
        return ERR_NOT_FOUND;
    }
    for (size_t i = 0; i < w->n_sources; i++) {
        struct journal_info info;
        journal_info(w->sources[i].j, &info);
        w->positions[i] = (struct writer_position){
            .epoch = info.epoch, .offset = w->sources[i].read_at, .journal = w->sources[i].number};
    }
    struct writer_batch b = {w->records, w->n_records, w->positions, w->n_sources};
    enum err e = w->o.sink.write_batch(w->o.sink.ctx, &b);
    set_state(w, e);
    if (e != OK) {
        take_back(w);
        return e;
    }
    release(w);
    atomic_fetch_add(&w->written, w->n_records);
    atomic_fetch_add(&w->batches, 1);
    return OK;
}

static enum err move_all(struct writer *w)
{
    enum err e;
    do {
        e = move_batch(w);
    } while (e == OK);
    if (e == ERR_NOT_FOUND)
        remove_old(w);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err writer_recover(struct writer *w)
{
    return move_all(w);
}

/* --- the thread --- */

static struct timespec at_mono(int64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

static void be_idle(struct writer *w)
{
    if (!w->o.sink.idle || now_ms() < w->idle_at_ms)
        return;
    w->idle_at_ms = now_ms() + IDLE_EVERY_MS;
    enum err e = add_old_sources(w); /* of a process that has ended since */
    (void)e;                         /* tried again */
    w->o.sink.idle(w->o.sink.ctx);
}

/* Called with the lock held: sleeps until kicked, stopped or time is up. After a failure a kick
 * alone does not cut the pause short: workers kick often while the disk is full. */
static void pause_for(struct writer *w, int64_t ms, bool may_kick)
{
    struct timespec until = at_mono(now_ms() + ms);
    while (!w->stopping && w->flush_asked == w->flush_served && !(may_kick && w->kicked)) {
        if (pthread_cond_timedwait(&w->wake, &w->lock, &until) == ETIMEDOUT)
            break;
    }
    w->kicked = false;
}

static int64_t next_pause(int64_t pause)
{
    return pause == 0 ? PAUSE_FIRST_MS : pause * 2 > PAUSE_LAST_MS ? PAUSE_LAST_MS : pause * 2;
}

static void *run(void *arg)
{
    struct writer *w = arg;
    int64_t pause = 0; /* after failures */
    pthread_mutex_lock(&w->lock);
    for (;;) {
        bool is_last = w->stopping;
        uint64_t asked = w->flush_asked;
        pthread_mutex_unlock(&w->lock);
        enum err e = move_all(w);
        if (e == OK && !is_last)
            be_idle(w);
        pthread_mutex_lock(&w->lock);
        pause = e == OK ? 0 : next_pause(pause);
        if (e == OK && asked != w->flush_served) {
            w->flush_served = asked;
            pthread_cond_broadcast(&w->done);
        }
        if (is_last && (e == OK || now_ms() >= w->stop_at_ms))
            break;
        if (is_last || (e != OK && w->flush_asked != w->flush_served)) {
            struct timespec until = at_mono(now_ms() + 20);
            pthread_cond_timedwait(&w->wake, &w->lock, &until);
        } else {
            pause_for(w, e == OK ? w->o.interval_ms : pause, e == OK);
        }
    }
    w->ended = true;
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum err writer_start(struct writer *w)
{
    int rc = pthread_create(&w->thread, NULL, run, w);
    if (rc != 0)
        return err_from_errno(rc);
    w->is_running = true;
    return OK;
}

void writer_kick(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->kicked = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

enum err writer_flush(struct writer *w, unsigned timeout_ms)
{
    struct timespec until = at_mono(now_ms() + timeout_ms);
    enum err e = OK;
    pthread_mutex_lock(&w->lock);
    uint64_t mine = ++w->flush_asked;
    pthread_cond_signal(&w->wake);
    while (w->flush_served < mine && !w->ended && e == OK) {
        if (pthread_cond_timedwait(&w->done, &w->lock, &until) == ETIMEDOUT)
            e = w->flush_served < mine ? ERR_TIMEOUT : OK;
    }
    if (e != OK)
        w->flush_served = w->flush_asked; /* nobody waits any more: back to normal pauses */
    pthread_mutex_unlock(&w->lock);
    return e;
}

enum err writer_stop(struct writer *w, unsigned timeout_ms)
{
    if (w->is_running) {
        pthread_mutex_lock(&w->lock);
        w->stopping = true;
        w->stop_at_ms = now_ms() + timeout_ms;
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
        w->is_running = false;
    }
    struct writer_stats s;
    writer_stats(w, &s);
    return s.lag_bytes ? ERR_TIMEOUT : OK;
}

void writer_close(struct writer *w)
{
    if (!w)
        return;
    if (w->is_running && writer_stop(w, 0) != OK)
        w->n_records = 0; /* the rest stays in the journals, for the next start */
    for (size_t i = 0; i < w->n_sources; i++)
        journal_close(w->sources[i].j);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->done);
    pthread_mutex_destroy(&w->lock);
    free(w->sources);
    free(w->records);
    free(w->positions);
    free(w->dir);
    free(w);
}

void writer_stats(struct writer *w, struct writer_stats *out)
{
    struct writer_stats s = {.written = atomic_load(&w->written),
                             .batches = atomic_load(&w->batches),
                             .failures = atomic_load(&w->failures),
                             .lost = atomic_load(&w->lost),
                             .state = (enum err)atomic_load(&w->state)};
    for (unsigned i = 0; i < w->o.n_journals; i++) {
        struct journal_info info;
        journal_info(w->sources[i].j, &info);
        unsigned fill = journal_fill_percent(w->sources[i].j);
        s.lag_bytes += info.head - info.tail;
        if (fill > s.fill_percent)
            s.fill_percent = fill;
    }
    *out = s;
}
