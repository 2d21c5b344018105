/* reload: load, swap, remember, tell the operator. */
#include "proxyd/main/reload.h"

#include <stdio.h>

#include "base/diag.h"
#include "proxyd/main/parent_watch.h"

enum err reload_init(struct reload *r)
{
    r->problems = json_array();
    if (!r->problems)
        return ERR_NOMEM;
    if (pthread_mutex_init(&r->turn, NULL) != 0 || pthread_mutex_init(&r->lock, NULL) != 0)
        return ERR_NOMEM;
    return OK;
}

void reload_fini(struct reload *r)
{
    flow_set_unref(r->current);
    retired_fini(&r->retired);
    json_decref(r->problems);
    json_decref(r->categories);
    pthread_mutex_destroy(&r->turn);
    pthread_mutex_destroy(&r->lock);
}

static void tell(json_t *problems)
{
    size_t i;
    json_t *p;
    json_array_foreach(problems, i, p)
        diag(DIAG_WARN, "main", json_string_value(json_object_get(p, "message")), "in",
             json_string_value(json_object_get(p, "where")), "at",
             json_string_value(json_object_get(p, "pointer")), NULL);
}

/* What the last load was like, for the status. */
static void note(struct reload *r, json_t *problems, const struct source_loaded *got)
{
    json_t *told = json_deep_copy(problems), *categories = source_status(r->source);
    pthread_mutex_lock(&r->lock);
    json_decref(r->problems);
    json_decref(r->categories);
    r->problems = told;
    r->categories = categories;
    if (got) {
        r->is_last_good = got->is_last_good;
        r->at_ms = clock_wall_ms(r->clock);
    }
    pthread_mutex_unlock(&r->lock);
}

/* In one's turn. Reads everything and configures who people are; the set is the caller's. */
static enum err load(struct reload *r, json_t *problems, struct source_loaded *out)
{
    enum err e = source_load(r->source, problems, out);
    if (e == OK)
        people_load(r->people, source_store(r->source), problems);
    tell(problems);
    note(r, problems, e == OK ? out : NULL);
    if (e == OK)
        atomic_store(&r->sink->retention_days, out->retention_days);
    return e;
}

static void tell_version(const struct reload *r, const char *message)
{
    char v[24];
    snprintf(v, sizeof v, "%llu", (unsigned long long)r->policy_version);
    diag(r->is_last_good ? DIAG_WARN : DIAG_INFO, "main", message, "version", v, NULL);
}

static void tell_trial(uint64_t version)
{
    char v[24];
    snprintf(v, sizeof v, "%llu", (unsigned long long)version);
    diag(DIAG_INFO, "main", version ? "a version is on trial" : "no version is on trial any more",
         version ? "version" : NULL, v, NULL);
}

enum err reload_first(struct reload *r, struct flow_set **set)
{
    json_t *problems = json_array();
    struct source_loaded got = {0};
    enum err e = load(r, problems, &got);
    json_decref(problems);
    if (e != OK)
        e = source_empty(r->source, &got); /* serve what needs no policy, and try again */
    if (e != OK)
        return e;
    r->policy_version = got.policy_version;
    r->trial_version = got.trial_version;
    *set = got.set;
    r->current = flow_set_ref(got.set);
    if (!got.policy_version)
        diag(DIAG_WARN, "main", "no policy to run yet: requests get 503 until one is published",
             NULL);
    else
        tell_version(r, r->is_last_good ? "the store has no usable policy: running the kept copy"
                                        : "running policy");
    return OK;
}

/* In one's turn: got is what the workers run, all of them when is_whole. */
static void take(struct reload *r, const struct source_loaded *got, bool is_whole)
{
    struct reload_versions was = {r->policy_version, r->trial_version};
    pthread_mutex_lock(&r->lock);
    struct flow_set *before = r->current;
    r->current = got->set;
    if (is_whole) {
        r->policy_version = got->policy_version;
        r->trial_version = got->trial_version;
    }
    pthread_mutex_unlock(&r->lock);
    retired_add(&r->retired, before);
    if (was.policy != r->policy_version)
        tell_version(r, "running policy");
    if (was.trial != r->trial_version)
        tell_trial(r->trial_version);
}

enum err reload_now(struct reload *r, json_t *problems, struct reload_versions *now)
{
    struct source_loaded got = {0};
    pthread_mutex_lock(&r->turn);
    retired_sweep(&r->retired);
    enum err e = load(r, problems, &got);
    if (e == OK) {
        e = workers_set(r->workers, got.set);
        if (e == OK)
            e = parent_watch_set(r->watch, got.set);
        take(r, &got, e == OK);
        if (e != OK)
            source_problem(problems, "workers", "", "memory", "a worker could not take the policy");
    }
    *now = (struct reload_versions){r->policy_version, r->trial_version};
    pthread_mutex_unlock(&r->turn);
    return e;
}

void reload_if_changed(struct reload *r)
{
    pthread_mutex_lock(&r->turn);
    retired_sweep(&r->retired);
    bool has_changed = source_has_changed(r->source);
    pthread_mutex_unlock(&r->turn);
    if (!has_changed)
        return;
    struct reload_versions now;
    json_t *problems = json_array();
    enum err e = reload_now(r, problems, &now);
    json_decref(problems);
    if (e != OK)
        diag(DIAG_WARN, "main", "reload failed, what ran before goes on", "why", err_name(e), NULL);
}

struct snapshot *reload_policy(struct reload *r)
{
    pthread_mutex_lock(&r->lock);
    struct snapshot *s = r->current->policy ? snapshot_ref(r->current->policy) : NULL;
    pthread_mutex_unlock(&r->lock);
    return s;
}

struct flow_set *reload_set(struct reload *r)
{
    pthread_mutex_lock(&r->lock);
    struct flow_set *s = flow_set_ref(r->current);
    pthread_mutex_unlock(&r->lock);
    return s;
}

json_t *reload_status(struct reload *r)
{
    char at[CLOCK_RFC3339_BYTES];
    pthread_mutex_lock(&r->lock);
    clock_format_rfc3339(r->at_ms, at);
    json_t *out =
        json_pack("{s:I, s:o, s:b, s:s, s:o, s:o}", "policy_version", (json_int_t)r->policy_version,
                  "trial_version",
                  r->trial_version ? json_integer((json_int_t)r->trial_version) : json_null(),
                  "last_good", r->is_last_good, "loaded_at", at, "problems",
                  json_deep_copy(r->problems), /* what goes out of the lock is nobody else's */
                  "categories", json_deep_copy(r->categories));
    pthread_mutex_unlock(&r->lock);
    return out;
}
