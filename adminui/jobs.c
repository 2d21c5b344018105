/* jobs: a queue, two threads, and the list the API shows. A job's order is read by the thread alone
 * once it runs; its state is read and written under the lock. */
#include "adminui/jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adminui/job_convert.h"
#include "adminui/job_replay.h"
#include "adminui/job_restore.h"
#include "adminui/job_subscription.h"
#include "adminui/job_work.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"
#include "base/diag.h"
#include "base/list.h"

enum state { QUEUED, RUNNING, DONE, FAILED, CANCELLED };

struct job {
    struct list node;
    uint64_t id;
    struct job_order order;
    enum state state;
    bool is_cancelled, is_read; /* is_read: its content is stored, the index is not built yet */
    double progress;
    char message[STORE_WHY_BYTES];
    json_t *result;
    int64_t created_ms, ended_ms;
};

enum { LANE_STORE, LANE_READ, N_LANES };

struct jobs {
    struct app *app;
    struct lane {
        struct jobs *jobs;
        struct desk *desk;
        pthread_t thread;
        bool is_started;
    } lanes[N_LANES];
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct list all; /* oldest first */
    size_t n;
    uint64_t next_id;
    bool is_closing;
};

/* What the thread does for each kind of job before the index is built, if at all. */
static const struct {
    const char *name;
    int lane;
    enum err (*read)(struct desk *d, const struct job_order *order, const struct job_pulse *pulse,
                     char why[STORE_WHY_BYTES], json_t **result);
} kinds[] = {
    [JOB_IMPORT] = {"category-import", LANE_STORE, job_work_import},
    [JOB_TREE] = {"category-tree-import", LANE_STORE, job_work_import},
    [JOB_REBUILD] = {"index-rebuild", LANE_STORE, NULL},
    [JOB_CONVERT] = {"convert", LANE_STORE, job_convert},
    [JOB_REPLAY] = {"replay", LANE_READ, job_replay},
    [JOB_SUBSCRIPTION] = {"subscription", LANE_STORE, job_subscription},
    [JOB_RESTORE] = {"restore", LANE_STORE, job_restore},
};

static char *copy(struct str s)
{
    return str_dup(s.n ? s : STR(""));
}

static void free_order(struct job_order *o)
{
    if (o->take_upload)
        unlink(o->take_upload);
    free(o->take_upload);
    json_decref(o->take_ask);
    free((char *)(uintptr_t)o->category.p);
    free((char *)(uintptr_t)o->prefix.p);
    free((char *)(uintptr_t)o->source.p);
    free((char *)(uintptr_t)o->format_name.p);
    free((char *)(uintptr_t)o->by.p);
    *o = (struct job_order){0};
}

static void free_job(struct job *job)
{
    list_remove(&job->node);
    free_order(&job->order);
    json_decref(job->result);
    free(job);
}

/* --- running -----------------------------------------------------------------------------------
 */

struct beat {
    struct jobs *all;
    struct job *job; /* NULL: the building nobody asked for by name */
    double from, to; /* its part of the whole progress */
};

static bool beat(void *ctx, double done, const char *message)
{
    struct beat *b = ctx;
    pthread_mutex_lock(&b->all->lock);
    bool go_on = !b->all->is_closing && !(b->job && b->job->is_cancelled);
    if (b->job) {
        b->job->progress = b->from + (b->to - b->from) * done;
        snprintf(b->job->message, sizeof b->job->message, "%s", message);
    }
    pthread_mutex_unlock(&b->all->lock);
    return go_on;
}

/* Under the lock. */
static void end_job(struct jobs *j, struct job *job, enum state state, const char *message)
{
    job->state = state;
    job->progress = state == DONE ? 1 : job->progress;
    job->ended_ms = clock_wall_ms(&j->app->clock);
    snprintf(job->message, sizeof job->message, "%s", message);
    if (job->order.take_upload)
        unlink(job->order.take_upload);
}

/* Does an index have to be built of what it has stored? */
static bool stores(const struct job *job)
{
    return kinds[job->order.kind].lane == LANE_STORE && !job->order.dry_run;
}

static void read_in(struct lane *lane, struct job *job)
{
    struct jobs *j = lane->jobs;
    char why[STORE_WHY_BYTES] = "";
    json_t *result = NULL;
    struct beat b = {j, job, 0, stores(job) ? 0.8 : 1};
    struct job_pulse pulse = {beat, &b};
    enum err e = kinds[job->order.kind].read(lane->desk, &job->order, &pulse, why, &result);
    pthread_mutex_lock(&j->lock);
    job->result = result;
    bool is_changed = !json_is_false(json_object_get(result, "changed"));
    if (e == OK && stores(job) && is_changed)
        job->is_read = true;
    else if (e == OK)
        end_job(j, job, DONE,
                kinds[job->order.kind].lane == LANE_STORE ? "nothing was changed" : "done");
    else
        end_job(j, job, e == ERR_CLOSED ? CANCELLED : FAILED, why[0] ? why : err_name(e));
    pthread_mutex_unlock(&j->lock);
}

/* Under the lock: the oldest of a lane that waits, NULL when none does. */
static struct job *next_job(struct jobs *j, int lane)
{
    for (struct list *l = j->all.next; l != &j->all; l = l->next) {
        struct job *job = LIST_ENTRY(l, struct job, node);
        if (job->state == QUEUED && kinds[job->order.kind].lane == lane)
            return job;
    }
    return NULL;
}

/* Under the lock: one that waits for the index. */
static struct job *next_read(struct jobs *j)
{
    for (struct list *l = j->all.next; l != &j->all; l = l->next) {
        struct job *job = LIST_ENTRY(l, struct job, node);
        if (job->state == RUNNING && job->is_read)
            return job;
    }
    return NULL;
}

static void finish(struct jobs *j, enum err e, const char *why, const struct proxy_reload *r)
{
    struct job *job;
    pthread_mutex_lock(&j->lock);
    while ((job = next_read(j)) != NULL) {
        job->is_read = false;
        if (e != OK) {
            end_job(j, job, FAILED, why);
            continue;
        }
        if (!job->result)
            job->result = json_object();
        json_object_set_new(job->result, "index", job_work_index(j->lanes[LANE_STORE].desk));
        json_object_set_new(job->result, "applied", json_boolean(r->is_applied));
        json_object_set_new(job->result, "message", json_string(r->why));
        end_job(j, job, DONE, r->is_applied ? "done" : r->why);
    }
    pthread_mutex_unlock(&j->lock);
}

/* One building for all that wait for it. */
static void rebuild(struct jobs *j, struct job *shown)
{
    char why[STORE_WHY_BYTES] = "";
    struct proxy_reload r = {0};
    struct beat b = {j, shown, 0.8, 0.99};
    struct job_pulse pulse = {beat, &b};
    enum err e = job_work_rebuild(j->lanes[LANE_STORE].desk, &pulse, why);
    if (e == OK)
        proxy_link_reload(j->app, &r);
    else if (e != ERR_CLOSED)
        diag(DIAG_ERROR, "jobs", "the category index was not built", "why",
             why[0] ? why : err_name(e), NULL);
    finish(j, e, why[0] ? why : err_name(e), &r);
}

/* Under the lock, which is let go meanwhile. False: there was nothing to do. */
static bool do_one(struct lane *lane)
{
    struct jobs *j = lane->jobs;
    int number = (int)(lane - j->lanes);
    struct job *job = next_job(j, number);
    struct job *waiting = number == LANE_STORE ? next_read(j) : NULL;
    if (!job && !waiting)
        return false;
    bool is_import = job && kinds[job->order.kind].read;
    if (job) {
        job->state = RUNNING;
        job->is_read = !is_import;
    }
    pthread_mutex_unlock(&j->lock);
    if (is_import)
        read_in(lane, job);
    else if (!job)
        rebuild(j, waiting);
    atomic_store(&j->app->has_spare, true);
    pthread_mutex_lock(&j->lock);
    return true;
}

static void *run(void *arg)
{
    struct lane *lane = arg;
    struct jobs *j = lane->jobs;
    if (lane == &j->lanes[LANE_STORE] &&
        (!job_work_is_current(lane->desk) || !job_work_opens(lane->desk)))
        rebuild(j, NULL); /* cut off between store and index, or of another program's format */
    pthread_mutex_lock(&j->lock);
    while (!j->is_closing) {
        if (!do_one(lane))
            pthread_cond_wait(&j->more, &j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static enum err open_lane(struct jobs *j, struct lane *lane)
{
    lane->jobs = j;
    enum err e = desk_open(j->app, &lane->desk);
    if (e == OK && pthread_create(&lane->thread, NULL, run, lane) != 0)
        e = ERR_NOMEM;
    lane->is_started = e == OK;
    return e;
}

enum err jobs_open(struct app *app, struct jobs **out)
{
    struct jobs *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    j->app = app;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->more, NULL);
    list_init(&j->all);
    j->next_id = 1;
    enum err e = OK;
    for (int i = 0; i < N_LANES && e == OK; i++)
        e = open_lane(j, &j->lanes[i]);
    if (e != OK) {
        jobs_close(j);
        return e;
    }
    *out = j;
    return OK;
}

void jobs_close(struct jobs *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    j->is_closing = true;
    pthread_cond_broadcast(&j->more);
    pthread_mutex_unlock(&j->lock);
    for (int i = 0; i < N_LANES; i++) {
        if (j->lanes[i].is_started)
            pthread_join(j->lanes[i].thread, NULL);
    }
    for (struct list *l = j->all.next, *next; l != &j->all; l = next) {
        next = l->next;
        free_job(LIST_ENTRY(l, struct job, node));
    }
    for (int i = 0; i < N_LANES; i++)
        desk_close(j->lanes[i].desk);
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->more);
    free(j);
}

/* --- from outside ------------------------------------------------------------------------------
 */

/* Under the lock: makes room by forgetting the oldest that has ended. */
static enum err make_room(struct jobs *j)
{
    size_t waiting = 0;
    for (struct list *l = j->all.next, *next; l != &j->all; l = next) {
        struct job *job = LIST_ENTRY(l, struct job, node);
        next = l->next;
        waiting += job->state == QUEUED;
        if (j->n >= JOBS_KEPT && job->state >= DONE) {
            free_job(job);
            j->n--;
        }
    }
    return waiting >= JOBS_QUEUED || j->n >= JOBS_KEPT ? ERR_BUSY : OK;
}

enum err jobs_add(struct jobs *j, const struct job_order *o, uint64_t *id)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return ERR_NOMEM;
    list_init(&job->node);
    job->order = (struct job_order){
        .kind = o->kind, .merge = o->merge, .dry_run = o->dry_run, .force = o->force};
    job->order.category = str_of(copy(o->category));
    job->order.prefix = str_of(copy(o->prefix));
    job->order.source = str_of(copy(o->source));
    job->order.format_name = str_of(copy(o->format_name));
    job->order.by = str_of(copy(o->by));
    job->created_ms = clock_wall_ms(&j->app->clock);
    snprintf(job->message, sizeof job->message, "waiting");
    pthread_mutex_lock(&j->lock);
    enum err e = make_room(j);
    if (e == OK) {
        *id = job->id = j->next_id++;
        job->order.take_upload = o->take_upload;
        job->order.take_ask = o->take_ask;
        list_push_back(&j->all, &job->node);
        j->n++;
        pthread_cond_broadcast(&j->more);
    }
    pthread_mutex_unlock(&j->lock);
    if (e != OK)
        free_job(job);
    return e;
}

/* Under the lock. */
static json_t *job_json(const struct job *job)
{
    static const char *const states[] = {"queued", "running", "done", "failed", "cancelled"};
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)job->id);
    return json_pack("{s:s,s:s,s:s,s:f,s:o,s:o,s:o,s:o,s:o}", "id", id, "kind",
                     kinds[job->order.kind].name, "state", states[job->state], "progress",
                     job->progress, "message", reply_str(str_of(job->message)), "result",
                     job->result && job->state == DONE ? json_deep_copy(job->result) : json_null(),
                     "created_at", reply_time(job->created_ms), "created_by",
                     reply_str(job->order.by), "ended_at", reply_time(job->ended_ms));
}

static struct job *find(struct jobs *j, uint64_t id)
{
    for (struct list *l = j->all.next; l != &j->all; l = l->next) {
        struct job *job = LIST_ENTRY(l, struct job, node);
        if (job->id == id)
            return job;
    }
    return NULL;
}

json_t *jobs_get(struct jobs *j, uint64_t id)
{
    pthread_mutex_lock(&j->lock);
    const struct job *job = find(j, id);
    json_t *out = job ? job_json(job) : NULL;
    pthread_mutex_unlock(&j->lock);
    return out;
}

json_t *jobs_list(struct jobs *j)
{
    json_t *all = json_array();
    pthread_mutex_lock(&j->lock);
    for (struct list *l = j->all.prev; l != &j->all; l = l->prev)
        json_array_append_new(all, job_json(LIST_ENTRY(l, struct job, node)));
    pthread_mutex_unlock(&j->lock);
    return all;
}

enum err jobs_cancel(struct jobs *j, uint64_t id)
{
    enum err e = OK;
    pthread_mutex_lock(&j->lock);
    struct job *job = find(j, id);
    if (!job) {
        e = ERR_NOT_FOUND;
    } else if (job->state == QUEUED) {
        end_job(j, job, CANCELLED, "cancelled before it began");
    } else if (job->state == RUNNING && !job->is_read) {
        job->is_cancelled = true;
    } else {
        e = ERR_CONFLICT; /* ended, or stored: only the index is missing */
    }
    pthread_mutex_unlock(&j->lock);
    return e;
}

unsigned jobs_running(struct jobs *j)
{
    unsigned n = 0;
    pthread_mutex_lock(&j->lock);
    for (struct list *l = j->all.next; l != &j->all; l = l->next)
        n += LIST_ENTRY(l, struct job, node)->state <= RUNNING;
    pthread_mutex_unlock(&j->lock);
    return n;
}
