/* api_subscriptions: handlers over subscription_rows, the subscriber and the jobs. */
#include "adminui/api_subscriptions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adminui/app.h"
#include "adminui/desk.h"
#include "adminui/embedded.h"
#include "adminui/job_start.h"
#include "adminui/job_subscription.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "adminui/subscriber.h"
#include "adminui/subscription_config.h"
#include "base/url.h"
#include "db/list_sources.h"
#include "db/subscription_rows.h"

#define STALE_PERIODS 3 /* without a good fetch: an alarm */
#define HOUR_MS       INT64_C(3600000)

/* --- shown -------------------------------------------------------------------------------------
 */

static const char *state_name(const struct subscription *x, bool is_enabled)
{
    static const char *const names[] = {"new", "fresh", "failing", "waiting"};
    return is_enabled || x->state == SUBSCRIPTION_WAITING ? names[x->state] : "off";
}

static json_t *waiting_json(const struct subscription *x)
{
    json_t *j =
        x->state == SUBSCRIPTION_WAITING ? json_loadb(x->waiting.p, x->waiting.n, 0, NULL) : NULL;
    return j ? j : json_null();
}

/* Of a parent proxy only who may change it sees the login. */
static void hide_login(const struct call *c, const char *proxy, json_t *j)
{
    const char *at = strrchr(proxy, '@'), *scheme = strstr(proxy, "://");
    if (at && !role_may(c->caller.role, PERMISSION_EDIT))
        json_object_set_new(
            j, "proxy",
            json_sprintf("%.*s***%s", scheme ? (int)(scheme + 3 - proxy) : 0, proxy, at));
}

static json_t *subscription_json(const struct call *c, const struct subscription *x)
{
    struct report report;
    struct subscription_config config;
    char source[40];
    report_init(&report);
    json_t *stored = json_loadb(x->config.p, x->config.n, 0, NULL);
    subscription_config_read(stored, &config, &report);
    report_fini(&report);
    json_t *j = subscription_config_json(&config, NULL);
    int64_t since = x->good_ms ? x->good_ms : x->created_ms;
    bool is_stale = config.is_enabled && clock_wall_ms(&c->app->clock) - since >
                                             STALE_PERIODS * config.every_hours * HOUR_MS;
    snprintf(source, sizeof source, "sub:%llu", (unsigned long long)x->id);
    hide_login(c, config.proxy, j);
    json_object_set_new(j, "id", reply_u64(x->id));
    json_object_set_new(j, "has_password", json_boolean(*config.password));
    json_object_set_new(j, "source", json_string(source));
    json_object_set_new(j, "state", json_string(state_name(x, config.is_enabled)));
    json_object_set_new(j, "is_stale", json_boolean(is_stale));
    json_object_set_new(j, "why", reply_str(x->why));
    json_object_set_new(j, "waiting", waiting_json(x));
    json_object_set_new(j, "checked_at", reply_time(x->checked_ms));
    json_object_set_new(j, "good_at", reply_time(x->good_ms));
    json_object_set_new(j, "next_at", reply_time(config.is_enabled ? x->next_ms : 0));
    json_object_set_new(j, "failures", reply_u64(x->failures));
    json_object_set_new(j, "entries", reply_u64(x->entries));
    json_decref(stored);
    return j;
}

void api_subscriptions_list(struct call *c)
{
    struct subscription *items;
    size_t n;
    enum err e = subscription_rows_all(c->desk->store, &c->arena, &items, &n);
    if (e != OK) {
        problem_reply_err(c, e, "list of subscriptions");
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, subscription_json(c, &items[i]));
    reply_json(c, 200, json_pack("{s:o}", "items", all));
}

void api_subscriptions_catalogue(struct call *c)
{
    reply_json_text(c, 200, embedded_catalogue());
}

/* The one of the path; false: answered. */
static bool find(struct call *c, struct subscription *out)
{
    uint64_t id;
    enum err e = str_to_u64(c->params[0], INT64_MAX, &id) == OK
                     ? subscription_rows_get(c->desk->store, &c->arena, id, out)
                     : ERR_NOT_FOUND;
    if (e != OK)
        problem_reply_err(c, e, "subscription");
    return e == OK;
}

static void reply_one(struct call *c, uint64_t id, unsigned status)
{
    struct subscription x;
    enum err e = subscription_rows_get(c->desk->store, &c->arena, id, &x);
    if (e != OK) {
        problem_reply_err(c, e, "subscription");
        return;
    }
    call_etag(c->reply.etag, "s", x.revision);
    reply_json(c, status, subscription_json(c, &x));
}

void api_subscriptions_get(struct call *c)
{
    struct subscription x;
    if (find(c, &x))
        reply_one(c, x.id, 200);
}

/* --- changed -----------------------------------------------------------------------------------
 */

static bool is_same_place(const json_t *a, const json_t *b, const char *member)
{
    const json_t *x = json_object_get(a, member), *y = json_object_get(b, member);
    struct str s = str_make(json_string_value(x), json_string_length(x));
    struct str t = str_make(json_string_value(y), json_string_length(y));
    struct url u, v;
    if (!t.n || str_eq(s, t) || url_parse(s, &u) != OK || url_parse(t, &v) != OK)
        return !t.n || str_eq(s, t);
    return u.scheme == v.scheme && u.port == v.port && str_eq(host_str(&u.host), host_str(&v.host));
}

/* A password that is not given anew stays with the servers it was given for: else whoever may not
 * see it could have it sent to a server of their own. */
static bool keep_password(struct call *c, const json_t *before)
{
    const json_t *kept = json_object_get(before, "password");
    if (!json_string_length(kept) || !json_string_length(json_object_get(c->json, "username")))
        return true;
    if (is_same_place(before, c->json, "url") && is_same_place(before, c->json, "checksum_url") &&
        is_same_place(before, c->json, "proxy"))
        return json_object_set(c->json, "password", (json_t *)(uintptr_t)kept) == 0;
    problem_reply_fault(c, "/password", "required",
                        "The list comes from another server now: give the password again.");
    return false;
}

/* The body, checked, as it is stored. old: where a secret that is null comes from; NULL: none. */
static bool take_config(struct call *c, const struct subscription *old, struct subscription *out)
{
    struct report report;
    struct subscription_config config;
    json_t *before = old ? json_loadb(old->config.p, old->config.n, 0, NULL) : NULL;
    const json_t *secret = json_object_get(c->json, "password");
    if (before && (!secret || json_is_null(secret)) && !keep_password(c, before)) {
        json_decref(before);
        return false;
    }
    report_init(&report);
    subscription_config_read(c->json, &config, &report);
    bool is_good = !report_has_faults(&report);
    if (!is_good)
        problem_reply_report(c, &report, false);
    report_fini(&report);
    json_t *stored = is_good ? subscription_config_json(&config, config.password) : NULL;
    char *text = stored ? json_dumps(stored, JSON_COMPACT) : NULL;
    out->config = arena_str(&c->arena, str_of(text));
    out->name = arena_str(&c->arena, str_of(is_good ? config.name : ""));
    if (is_good)
        call_audit(c, out->name, NULL, subscription_config_json(&config, NULL));
    free(text);
    json_decref(stored);
    json_decref(before);
    return is_good;
}

static void reply_taken(struct call *c, enum err e)
{
    if (e == ERR_EXISTS)
        problem_reply_fault(c, "/name", "exists", "Another subscription has this name.");
    else
        problem_reply_err(c, e, "subscription");
}

void api_subscriptions_create(struct call *c)
{
    struct subscription x = {.created_ms = clock_wall_ms(&c->app->clock)};
    if (!take_config(c, NULL, &x))
        return;
    enum err e = subscription_rows_add(c->desk->store, &x, &x.id);
    if (e != OK) {
        reply_taken(c, e);
        return;
    }
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)x.id);
    reply_one(c, x.id, 201);
    reply_location(c, "/subscriptions/", str_of(id));
}

void api_subscriptions_put(struct call *c)
{
    struct subscription old, x;
    char tag[64];
    if (!find(c, &old))
        return;
    call_etag(tag, "s", old.revision);
    x = (struct subscription){.id = old.id};
    if (!call_if_match(c, tag) || !take_config(c, &old, &x))
        return;
    enum err e = subscription_rows_put(c->desk->store, &x, old.revision);
    if (e != OK)
        reply_taken(c, e);
    else
        reply_one(c, x.id, 200);
}

void api_subscriptions_changed(struct call *c)
{
    subscriber_kick(c->app->subscriber, 0);
}

static void forget_waiting(const struct call *c, uint64_t id)
{
    char *path = job_subscription_waiting_path(c->app, id);
    if (path)
        unlink(path);
    free(path);
}

void api_subscriptions_delete(struct call *c)
{
    struct subscription x;
    char tag[64], source[40];
    bool keeps = str_eq(call_query(c, "content", STR("remove")), STR("keep"));
    if (!find(c, &x))
        return;
    call_etag(tag, "s", x.revision);
    if (!call_if_match(c, tag))
        return;
    snprintf(source, sizeof source, "sub:%llu", (unsigned long long)x.id);
    call_audit(c, x.name, json_pack("{s:b}", "content_kept", (int)keeps), NULL);
    enum err e = subscription_rows_delete(c->desk->store, x.id);
    if (e == OK && !keeps)
        e = list_sources_delete(c->desk->store, str_of(source), STR(""));
    if (e != OK) {
        problem_reply_err(c, e, "subscription");
        return;
    }
    forget_waiting(c, x.id);
    reply_empty(c, 204);
}

void api_subscriptions_deleted(struct call *c)
{
    struct job_order order = {.kind = JOB_REBUILD};
    if (!c->reply.slug)
        job_start(c, &order);
}

/* --- actions -----------------------------------------------------------------------------------
 */

void api_subscriptions_fetch(struct call *c)
{
    struct subscription x;
    if (!find(c, &x))
        return;
    call_audit(c, x.name, NULL, NULL);
    subscriber_kick(c->app->subscriber, x.id);
    reply_one(c, x.id, 202);
}

static bool find_waiting(struct call *c, struct subscription *out)
{
    if (!find(c, out))
        return false;
    call_audit(c, out->name, NULL, waiting_json(out));
    if (out->state == SUBSCRIPTION_WAITING)
        return true;
    problem_reply(c, PROBLEM_CONFLICT, "Nothing of this subscription waits.");
    return false;
}

void api_subscriptions_approve(struct call *c)
{
    struct subscription x;
    if (!find_waiting(c, &x))
        return;
    struct job_order order = {.kind = JOB_SUBSCRIPTION, .source = x.name};
    order.take_upload = job_subscription_waiting_path(c->app, x.id);
    order.take_ask = json_pack("{s:I,s:I,s:o,s:o,s:o,s:I,s:b}", "id", (json_int_t)x.id, "revision",
                               (json_int_t)x.revision, "etag", reply_str(x.etag), "last_modified",
                               reply_str(x.last_modified), "hash", reply_str(x.hash), "began_ms",
                               (json_int_t)clock_wall_ms(&c->app->clock), "is_approved", 1);
    char *path = order.take_upload;
    job_start(c, &order);
    if (c->reply.slug)
        free(path);
}

/* What came is thrown away; the same bytes are not asked about again. */
void api_subscriptions_reject(struct call *c)
{
    struct subscription x;
    if (!find_waiting(c, &x))
        return;
    struct subscription_fetch f = {.subscription = x.id,
                                   .at_ms = clock_wall_ms(&c->app->clock),
                                   .outcome = SUBSCRIPTION_REJECTED,
                                   .entries = x.entries,
                                   .why = str_of(c->caller.name)};
    x.state = SUBSCRIPTION_FRESH;
    x.why = x.waiting = STR("");
    enum err e = subscription_rows_progress(c->desk->store, &x);
    if (e == OK)
        e = subscription_rows_note(c->desk->store, &f);
    if (e != OK) {
        problem_reply_err(c, e, "subscription");
        return;
    }
    forget_waiting(c, x.id);
    reply_one(c, x.id, 200);
}

void api_subscriptions_history(struct call *c)
{
    static const char *const outcomes[] = {"updated", "unchanged", "failed", "waiting", "rejected"};
    struct subscription x;
    struct subscription_fetch *items;
    size_t n;
    if (!find(c, &x))
        return;
    enum err e = subscription_rows_history(c->desk->store, &c->arena, x.id, &items, &n);
    if (e != OK) {
        problem_reply_err(c, e, "history");
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            all,
            json_pack("{s:o,s:s,s:I,s:o,s:o,s:o,s:o,s:I,s:o}", "at", reply_time(items[i].at_ms),
                      "outcome", outcomes[items[i].outcome], "status", (json_int_t)items[i].status,
                      "bytes", reply_u64(items[i].bytes), "entries", reply_u64(items[i].entries),
                      "added", reply_u64(items[i].added), "removed", reply_u64(items[i].removed),
                      "took_ms", (json_int_t)items[i].took_ms, "why", reply_str(items[i].why)));
    reply_json(c, 200, json_pack("{s:o}", "items", all));
}

/* --- metrics -----------------------------------------------------------------------------------
 */

struct metric {
    const char *name;
    double (*value)(const struct subscription *x, int64_t now_ms);
};

static double age_s(const struct subscription *x, int64_t now_ms)
{
    return (double)(now_ms - (x->good_ms ? x->good_ms : x->created_ms)) / 1000;
}

static double n_failures(const struct subscription *x, int64_t now_ms)
{
    (void)now_ms;
    return x->failures;
}

static double is_waiting(const struct subscription *x, int64_t now_ms)
{
    (void)now_ms;
    return x->state == SUBSCRIPTION_WAITING;
}

void api_subscriptions_metrics(struct call *c, struct buf *out)
{
    static const struct metric metrics[] = {
        {"age_seconds", age_s}, {"failures", n_failures}, {"waiting", is_waiting}};
    struct subscription *items;
    size_t n;
    int64_t now = clock_wall_ms(&c->app->clock);
    if (subscription_rows_all(c->desk->store, &c->arena, &items, &n) != OK)
        return;
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics && n; m++) {
        buf_addf(out, "# TYPE adminui_subscription_%s gauge\n", metrics[m].name);
        for (size_t i = 0; i < n; i++)
            buf_addf(out, "adminui_subscription_%s{id=\"%llu\"} %.17g\n", metrics[m].name,
                     (unsigned long long)items[i].id, metrics[m].value(&items[i], now));
    }
}
