/* verbs: the answers of the control socket. */
#include "proxyd/main/verbs.h"

#include <stdlib.h>

#include "policies/pattern_usage.h"
#include "proxyd/main/books.h"
#include "proxyd/main/parent_watch.h"
#include "proxyd/main/privacy_test.h"
#include "proxyd/main/takers.h"
#include "proxyd/main/wiring.h"

static json_t *do_reload(void *ctx, const json_t *request)
{
    (void)request;
    struct wiring *w = ctx;
    struct reload_versions now = {0};
    json_t *problems = json_array();
    enum err e = reload_now(&w->reload, problems, &now);
    return json_pack("{s:b, s:I, s:I, s:s, s:o}", "ok", e == OK, "policy_version",
                     (json_int_t)now.policy, "trial_version", (json_int_t)now.trial, "error",
                     e == OK ? "" : err_name(e), "errors", problems);
}

static json_t *counters(const struct workers *w)
{
    uint64_t sums[STATS_COUNTERS];
    stats_sum(w->stats, w->n, sums);
    json_t *out = json_object();
    for (int i = 0; i < STATS_COUNTERS; i++)
        json_object_set_new(out, stats_name((enum stats_counter)i),
                            json_integer((json_int_t)sums[i]));
    return out;
}

static json_t *gauges(const struct workers *w)
{
    json_t *out = json_array();
    for (unsigned i = 0; i < w->n_running; i++) {
        struct worker_gauges g;
        worker_gauges(w->worker[i], &g);
        json_array_append_new(
            out,
            json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "clients",
                      (json_int_t)g.n_clients, "requests", (json_int_t)g.n_requests, "tunnels",
                      (json_int_t)g.n_tunnels, "idle_upstreams", (json_int_t)g.n_idle_upstreams,
                      "names_cached", (json_int_t)g.n_names_cached, "old_policies",
                      (json_int_t)g.n_old_policies, "buffers", (json_int_t)g.n_buffers,
                      "policy_version", (json_int_t)g.policy_version));
    }
    return out;
}

static json_t *log_status(struct writer *w, uint64_t last_id)
{
    struct writer_stats s;
    writer_stats(w, &s);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:i, s:I}", "state", err_name(s.state), "written",
                     (json_int_t)s.written, "failures", (json_int_t)s.failures, "damaged",
                     (json_int_t)s.lost, "lag_bytes", (json_int_t)s.lag_bytes, "fill_percent",
                     (int)s.fill_percent, "last_id", (json_int_t)last_id);
}

static json_t *listeners(const struct workers *w)
{
    json_t *out = json_array();
    for (size_t i = 0; i < w->shared.n_listeners; i++)
        json_array_append_new(out, json_stringn(w->listeners[i].text.p, w->listeners[i].text.n));
    return out;
}

static json_t *do_status(void *ctx, const json_t *request)
{
    (void)request;
    struct wiring *w = ctx;
    json_t *out = json_pack("{s:b, s:s, s:I, s:i, s:o, s:o, s:o, s:o, s:o}", "ok", 1, "version",
                            PROXYD_VERSION, "uptime_ms",
                            (json_int_t)(clock_mono_ms(&w->clock) - w->started_ms), "n_workers",
                            (int)w->workers.n, "listeners", listeners(&w->workers), "workers",
                            gauges(&w->workers), "counters", counters(&w->workers), "log",
                            log_status(w->writer, atomic_load(w->workers.shared.last_id)),
                            "identity", people_status(&w->people));
    struct snapshot *live = reload_policy(&w->reload);
    json_object_set_new(out, "patterns_given_up",
                        json_integer(live ? (json_int_t)snapshot_n_limited(live) : 0));
    snapshot_unref(live);
    json_object_set_new(out, "limits", takers_status(&w->workers));
    struct flow_set *set = reload_set(&w->reload);
    json_object_set_new(out, "upstreams", parent_watch_summary(set));
    flow_set_unref(set);
    json_t *policy = reload_status(&w->reload);
    json_object_update(out, policy);
    json_decref(policy);
    return out;
}

static json_t *do_forget_user(void *ctx, const json_t *request)
{
    struct wiring *w = ctx;
    const char *user = json_string_value(json_object_get(request, "user"));
    if (!user)
        return control_error("forget-user takes \"user\"");
    reload_if_changed(&w->reload); /* a user just edited holds before the answer */
    people_forget(&w->people, user);
    return json_pack("{s:b}", "ok", 1);
}

static json_t *do_directory_test(void *ctx, const json_t *request)
{
    struct wiring *w = ctx;
    return people_test(&w->people, request);
}

static json_t *do_upstreams(void *ctx, const json_t *request)
{
    (void)request;
    struct wiring *w = ctx;
    struct flow_set *set = reload_set(&w->reload);
    json_t *out = parent_watch_status(set, &w->clock);
    flow_set_unref(set);
    json_object_set_new(out, "ok", json_true());
    return out;
}

static json_t *do_patterns(void *ctx, const json_t *request)
{
    struct wiring *w = ctx;
    json_int_t limit = json_integer_value(json_object_get(request, "limit"));
    struct snapshot *policy = reload_policy(&w->reload);
    json_t *out = policy ? pattern_usage(policy, limit > 0 ? (size_t)limit : PATTERN_USAGE_MAX)
                         : control_error("no policy is live");
    if (policy && out)
        json_object_set_new(out, "ok", json_true());
    snapshot_unref(policy);
    return out ? out : control_error("out of memory");
}

static json_t *do_privacy(void *ctx, const json_t *request)
{
    (void)request;
    return privacy_status(ctx);
}

const struct control_verb verbs_table[] = {
    {"reload", do_reload},
    {"status", do_status},
    {"forget-user", do_forget_user},
    {"directory-test", do_directory_test},
    {"patterns", do_patterns},
    {"upstreams", do_upstreams},
    {"quotas", books_quotas},
    {"quotas-reset", books_quotas_reset},
    {"grants", books_grants},
    {"grants-revoke", books_grants_revoke},
    {"limits-clients", takers_clients},
    {"privacy", do_privacy},
    {"privacy-test", privacy_test},
    {NULL, NULL},
};
