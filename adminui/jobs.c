/* jobs: a queue, a thread, and the list the API shows. A job's order is read by the thread alone
 * once it runs; its state is read and written under the lock. */
#include "adminui/jobs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adminui/job_convert.h"
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

struct jobs {
    struct app *app;
    struct desk *desk; /* of the thread */
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct list all; /* oldest first */
    size_t n;
    uint64_t next_id;
    bool is_closing, is_started;
    pthread_t thread;
};

/* What the thread does for each kind of job before the index is built, if at all. */
static const struct {
    const char *name;
    enum err (*read)(struct desk *d, const struct job_order *order, const struct job_pulse *pulse,
                     char why[STORE_WHY_BYTES], json_t **result);
} kinds[] = {
    [JOB_IMPORT] = {"category-import", job_work_import},
    [JOB_TREE] = {"category-tree-import", job_work_import},
    [JOB_REBUILD] = {"index-rebuild", NULL},
    [JOB_CONVERT] = {"convert", job_convert},
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

static void read_in(struct jobs *j, struct job *job)
{
    char why[STORE_WHY_BYTES] = "";
    json_t *result = NULL;
    struct beat b = {j, job, 0, 0.8};
    struct job_pulse pulse = {beat, &b};
    enum err e = kinds[job->order.kind].read(j->desk, &job->order, &pulse, why, &result);
    pthread_mutex_lock(&j->lock);
    job->result = result;
    if (e == OK && !job->order.dry_run)
        job->is_read = true;
    else if (e == OK)
        end_job(j, job, DONE, "only read; nothing was changed");
    else
        end_job(j, job, e == ERR_CLOSED ? CANCELLED : FAILED, why[0] ? why : err_name(e));
    pthread_mutex_unlock(&j->lock);
}

/* Under the lock: the oldest that waits, NULL when none does. */
static struct job *next_job(struct jobs *j)
{
    for (struct list *l = j->all.next; l != &j->all; l = l->next) {
        struct job *job = LIST_ENTRY(l, struct job, node);
        if (job->state == QUEUED)
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
        json_object_set_new(job->result, "index", job_work_index(j->desk));
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
    enum err e = job_work_rebuild(j->desk, &pulse, why);
    if (e == OK)
        proxy_link_reload(j->app, &r);
    else if (e != ERR_CLOSED)
        diag(DIAG_ERROR, "jobs", "the category index was not built", "why",
             why[0] ? why : err_name(e), NULL);
    finish(j, e, why[0] ? why : err_name(e), &r);
}

static void *run(void *arg)
{
    struct jobs *j = arg;
    if (!job_work_is_current(j->desk) || !job_work_opens(j->desk))
        rebuild(j, NULL); /* cut off between store and index, or of another program's format */
    pthread_mutex_lock(&j->lock);
    while (!j->is_closing) {
        struct job *job = next_job(j), *waiting = next_read(j);
        if (job) {
            job->state = RUNNING;
            job->is_read = !kinds[job->order.kind].read;
            bool is_import = !job->is_read;
            pthread_mutex_unlock(&j->lock);
            if (is_import)
                read_in(j, job);
            pthread_mutex_lock(&j->lock);
        } else if (waiting) {
            pthread_mutex_unlock(&j->lock);
            rebuild(j, waiting);
            pthread_mutex_lock(&j->lock);
        } else {
            pthread_cond_wait(&j->more, &j->lock);
        }
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
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
    enum err e = desk_open(app, &j->desk);
    if (e == OK && pthread_create(&j->thread, NULL, run, j) != 0)
        e = ERR_NOMEM;
    j->is_started = e == OK;
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
    if (j->is_started)
        pthread_join(j->thread, NULL);
    for (struct list *l = j->all.next, *next; l != &j->all; l = next) {
        next = l->next;
        free_job(LIST_ENTRY(l, struct job, node));
    }
    desk_close(j->desk);
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
    job->order = (struct job_order){.kind = o->kind, .merge = o->merge, .dry_run = o->dry_run};
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
        list_push_back(&j->all, &job->node);
        j->n++;
        pthread_cond_signal(&j->more);
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
