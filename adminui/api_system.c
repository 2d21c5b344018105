/* api_system: handlers. Status and metrics work while proxyd is down. */
#include "adminui/api_system.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adminui/change_json.h"
#include "adminui/api_subscriptions.h"
#include "adminui/api_upstreams.h"
#include "adminui/desk.h"
#include "adminui/embedded.h"
#include "adminui/job_work.h"
#include "adminui/jobs.h"
#include "adminui/live.h"
#include "adminui/policy_docs.h"
#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"

#define ASK_MS 2000

void api_system_openapi(struct call *c)
{
    reply_json_text(c, 200, embedded_openapi());
}

void api_system_healthz(struct call *c)
{
    reply_text(c, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

void api_system_readyz(struct call *c)
{
    uint64_t version = 0;
    enum err e = policy_rows_live_number(c->desk->store, &version);
    if (e == OK && version)
        reply_text(c, 200, "text/plain; charset=utf-8", STR("ready\n"));
    else
        reply_text(c, 503, "text/plain; charset=utf-8", STR("no policy\n"));
}

/* --- status ------------------------------------------------------------------------------------
 */

static json_t *adminui_json(struct call *c)
{
    uint64_t sessions = 0;
    int64_t now = clock_wall_ms(&c->app->clock);
    if (admin_rows_sessions_count(c->desk->store, now, &sessions) != OK)
        sessions = 0;
    return json_pack("{s:s,s:I,s:i,s:o,s:i,s:i}", "version", PROXYD_VERSION, "uptime_ms",
                     (json_int_t)(clock_mono_ms(&c->app->clock) - c->app->started_ms), "pid",
                     (int)getpid(), "sessions", reply_u64(sessions), "streams",
                     (int)live_tails(c->app->live), "jobs_running",
                     (int)jobs_running(c->app->jobs));
}

static json_t *policy_json(struct call *c, const json_t *proxy)
{
    struct policy_version live = {0};
    struct policy_docs_draft d;
    json_t *running = json_object_get(proxy, "policy_version");
    bool has_live = policy_rows_live(c->desk->store, &c->arena, &live) == OK;
    bool is_changed = has_live && policy_docs_draft(c, &d) && d.is_changed;
    return json_pack("{s:o,s:O,s:o,s:o,s:o,s:b}", "live_version", reply_u64(live.version),
                     "running_version", json_is_integer(running) ? running : json_null(),
                     "published_at", reply_time(live.at_ms), "published_by", reply_str(live.author),
                     "comment", reply_str(live.comment), "draft_changed", (int)is_changed);
}

static void warn(json_t *all, const char *code, const char *message)
{
    json_array_append_new(all, json_pack("{s:s,s:s}", "code", code, "message", message));
}

static void warn_upstreams(json_t *all, const json_t *proxy)
{
    const json_t *u = json_object_get(proxy, "upstreams");
    if (json_integer_value(json_object_get(u, "groups_down")))
        warn(all, "upstream-down", "No member of a group of parent proxies is up: see /upstreams.");
    else if (json_integer_value(json_object_get(u, "members_down")))
        warn(all, "upstream-member-down", "A parent proxy is down: see /upstreams.");
}

/* The directory as proxyd sees it: down, or with some of its servers down. */
static void warn_directory(json_t *all, const json_t *proxy)
{
    const json_t *d = json_object_get(json_object_get(proxy, "identity"), "directory");
    const json_t *servers = json_object_get(d, "servers"), *server;
    const char *state = json_string_value(json_object_get(d, "state"));
    char text[400] = "";
    size_t i, n = 0;
    if (!json_is_true(json_object_get(d, "enabled")) || !state)
        return;
    json_array_foreach(servers, i, server)
    {
        const char *one = json_string_value(json_object_get(server, "state"));
        const char *url = json_string_value(json_object_get(server, "server"));
        if (!one || !url || strcmp(one, "down") != 0 || n + strlen(url) + 3 > sizeof text)
            continue;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", url);
    }
    if (strcmp(state, "down") == 0)
        warn(all, "directory-down",
             "No directory server answers: people who are remembered go on, others get a 503.");
    else if (n)
        warn(all, "directory-server-down", text);
}

static void warn_shortage(json_t *all, const json_t *proxy)
{
    const json_t *limits = json_object_get(proxy, "limits"), *log = json_object_get(proxy, "log");
    if (json_is_true(json_object_get(limits, "is_shedding")))
        warn(all, "overloaded",
             "More comes than the proxy may take: connections or requests are turned away with "
             "503.");
    if (json_is_true(json_object_get(limits, "is_short")))
        warn(all, "short-of-resources",
             "The proxy runs out of descriptors or memory: connections or requests are turned "
             "away.");
    const char *state = json_string_value(json_object_get(log, "state"));
    if (state && strcmp(state, err_name(OK)) != 0)
        warn(all, "records-wait", "Access records cannot be stored and wait in the journal.");
}

struct seen {
    const json_t *policy, *index, *proxy;
    const char *why; /* proxyd does not answer; else empty */
};

static json_t *warnings_json(const struct call *c, const struct seen *s)
{
    json_t *all = json_array();
    char text[200];
    const json_t *running = json_object_get(s->policy, "running_version");
    const json_t *live = json_object_get(s->policy, "live_version");
    const char *state = json_string_value(json_object_get(s->index, "state"));
    if (*s->why)
        warn(all, "proxy-down", s->why);
    else if (json_is_integer(running) && !json_equal(running, live)) {
        snprintf(text, sizeof text, "proxyd runs policy version %lld, version %lld is published",
                 (long long)json_integer_value(running), (long long)json_integer_value(live));
        warn(all, "version-behind", text);
    }
    if (state && strcmp(state, "damaged") == 0)
        warn(all, "index-damaged", "categories.idx is damaged; build it anew");
    warn_directory(all, s->proxy);
    warn_shortage(all, s->proxy);
    warn_upstreams(all, s->proxy);
    if (c->caller.must_change_password)
        warn(all, "one-time-password", "This account still has its one-time password.");
    return all;
}

void api_system_status(struct call *c)
{
    json_t *proxy = NULL;
    enum err e = proxy_link_ask(c->app, json_pack("{s:s}", "do", "status"), ASK_MS, &proxy);
    const char *why = e == OK ? "" : proxy_link_why(e);
    if (proxy)
        json_object_del(proxy, "ok");
    json_t *policy = policy_json(c, proxy);
    json_t *index = job_work_index(c->desk);
    struct seen seen = {policy, index, proxy, why};
    json_t *warnings = warnings_json(c, &seen);
    json_t *answer = json_pack("{s:b,s:s,s:o}", "running", (int)(e == OK), "message", why, "status",
                               proxy ? proxy : json_null());
    reply_json(c, 200,
               json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "time",
                         reply_time(clock_wall_ms(&c->app->clock)), "warnings", warnings, "adminui",
                         adminui_json(c), "policy", policy, "publishing",
                         change_json_watch(c->desk, &c->arena), "index", index, "proxyd", answer));
}

/* --- metrics -----------------------------------------------------------------------------------
 */

static bool is_metric_char(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '_';
}

static void add_numbers(struct buf *out, const char *prefix, const json_t *o, int depth)
{
    const char *key;
    char name[160];
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)o, key, v)
    {
        int n = snprintf(name, sizeof name, "%s_%s", prefix, key);
        if (n < 0 || (size_t)n >= sizeof name)
            continue;
        for (char *p = name; *p; p++)
            if (!is_metric_char(*p))
                *p = '_';
        if (json_is_number(v))
            buf_addf(out, "# TYPE %s untyped\n%s %.17g\n", name, name, json_number_value(v));
        else if (json_is_boolean(v))
            buf_addf(out, "# TYPE %s gauge\n%s %d\n", name, name, json_is_true(v));
        else if (json_is_object(v) && depth < 4)
            add_numbers(out, name, v, depth + 1);
    }
}

void api_system_metrics(struct call *c)
{
    json_t *proxy = NULL, *own = adminui_json(c);
    enum err e = proxy_link_ask(c->app, json_pack("{s:s}", "do", "status"), ASK_MS, &proxy);
    reply_text(c, 200, "text/plain; version=0.0.4; charset=utf-8", (struct str){0});
    struct buf *out = &c->reply.body;
    buf_addf(out, "# TYPE proxyd_up gauge\nproxyd_up %d\n", e == OK);
    if (proxy)
        json_object_del(proxy, "ok");
    add_numbers(out, "proxyd", proxy, 0);
    json_object_del(own, "pid");
    add_numbers(out, "adminui", own, 0);
    api_subscriptions_metrics(c, out);
    if (e == OK)
        api_upstreams_metrics(c, out);
    json_decref(proxy);
    json_decref(own);
}

/* --- jobs --------------------------------------------------------------------------------------
 */

void api_system_jobs(struct call *c)
{
    reply_json(c, 200, json_pack("{s:o}", "items", jobs_list(c->app->jobs)));
}

static bool job_id(struct call *c, uint64_t *id)
{
    if (str_to_u64(c->params[0], INT64_MAX, id) == OK)
        return true;
    problem_reply_err(c, ERR_NOT_FOUND, "job");
    return false;
}

void api_system_job(struct call *c)
{
    uint64_t id;
    if (!job_id(c, &id))
        return;
    json_t *job = jobs_get(c->app->jobs, id);
    if (job)
        reply_json(c, 200, job);
    else
        problem_reply_err(c, ERR_NOT_FOUND, "job");
}

void api_system_job_cancel(struct call *c)
{
    uint64_t id;
    if (!job_id(c, &id))
        return;
    enum err e = jobs_cancel(c->app->jobs, id);
    if (e == ERR_CONFLICT)
        problem_reply(c, PROBLEM_CONFLICT, "The job has ended, or is past the point of return.");
    else if (e != OK)
        problem_reply_err(c, e, "job");
    else
        reply_json(c, 202, jobs_get(c->app->jobs, id));
    call_audit(c, c->params[0], NULL, NULL);
}
