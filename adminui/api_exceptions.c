/* api_exceptions: one document is changed in one way or another, and then saved or published. */
#include "adminui/api_exceptions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/api_publish.h"
#include "adminui/desk.h"
#include "adminui/exception_find.h"
#include "adminui/fields.h"
#include "adminui/policy_docs.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "adminui/replay_run.h"
#include "adminui/transact.h"
#include "base/clock.h"
#include "db/event_report.h"

#define DAY_MS     INT64_C(86400000)
#define RADIUS_MS  3000
#define LAPSING_MS (3 * DAY_MS)
#define USED_MS    (7 * DAY_MS)
#define USE_DAYS   90
#define PEOPLE_MAX 20

/* --- a document that is changed ---------------------------------------------------------------
 */

struct edit {
    struct policy_ask
        ask; /* what it was: the live one when it is to be published, else the draft */
    json_t *document;
    bool is_published;
    struct str sentence; /* what was done, for people */
    json_t *rule;        /* borrowed from document */
    struct str before;   /* id of the rule behind it; empty: none */
    uint64_t revision;   /* of the draft */
};

static bool may_publish(struct call *c, bool wants)
{
    if (!wants || role_may(c->caller.role, PERMISSION_PUBLISH))
        return true;
    problem_reply(c, PROBLEM_FORBIDDEN, "The role %s may not publish; leave publish out.",
                  admin_role_name(c->caller.role));
    return false;
}

static bool open_edit(struct call *c, struct edit *x)
{
    x->is_published = fields_bool(c->json, "publish", false);
    if (!may_publish(c, x->is_published) ||
        !policy_docs_named(c, x->is_published ? STR("live") : STR("draft"), &x->ask))
        return false;
    x->document = json_loadb(x->ask.document.p, x->ask.document.n, 0, NULL);
    if (!json_is_array(json_object_get(x->document, "rules")))
        json_object_set_new(x->document, "rules", json_array());
    if (json_is_object(x->document))
        return true;
    problem_reply_err(c, ERR_NOMEM, "policy");
    return false;
}

static void close_edit(struct edit *x)
{
    json_decref(x->document);
}

/* In the transaction: the changed document is published, or becomes the draft. */
static bool store_edit(struct call *c, struct edit *x)
{
    char *text = json_dumps(x->document, JSON_COMPACT);
    bool good = text != NULL;
    if (good && x->is_published) {
        struct api_publish p = {.change = {.kind = CHANGE_EXCEPTION,
                                           .document = arena_str(&c->arena, str_of(text)),
                                           .comment = x->sentence},
                                .before = x->ask.document};
        good = api_publish_go(c, &p);
    } else if (good) {
        good = policy_docs_save(c, x->document, x->ask.revision, &x->revision);
        call_audit(c, STR("draft"), NULL, c->json ? json_incref(c->json) : NULL);
        if (good)
            reply_empty(c, 200);
    } else {
        problem_reply_err(c, ERR_NOMEM, "policy");
    }
    free(text);
    return good;
}

/* What `after` has to say once the change is committed. */
struct done {
    const void *published; /* for api_publish_outcome; NULL: the draft alone */
    struct str rule, before, sentence;
};

static void keep(struct call *c, const struct edit *x)
{
    struct done *d = arena_alloc(&c->arena, sizeof *d);
    char *text = json_dumps(x->rule, JSON_COMPACT);
    struct str rule = arena_str(&c->arena, str_of(text)), before = arena_str(&c->arena, x->before);
    free(text);
    if (d && rule.n && before.p) {
        *d = (struct done){c->after, rule, before, x->sentence};
        c->after = d;
    } else {
        problem_reply_err(c, ERR_NOMEM, "policy");
    }
}

static void reply_done(struct call *c, const struct done *d, json_t *take_radius)
{
    unsigned status = c->reply.status ? c->reply.status : 200;
    json_t *out = api_publish_outcome(c, d->published),
           *rule = json_loadb(d->rule.p, d->rule.n, 0, NULL);
    json_object_set(out, "id", json_object_get(rule, "id"));
    json_object_set_new(out, "rule", rule);
    json_object_set_new(out, "before", d->before.n ? reply_str(d->before) : json_null());
    json_object_set_new(out, "sentence", reply_str(d->sentence));
    json_object_set_new(out, "radius", take_radius ? take_radius : json_null());
    reply_json(c, status, out);
}

static void after_edit(struct call *c)
{
    reply_done(c, c->after, NULL);
}

/* --- making ------------------------------------------------------------------------------------
 */

static const struct field make_fields[] = {
    {"record", FIELD_STR, false, true, 1, 20},   {"host", FIELD_STR, false, true, 1, 300},
    {"url", FIELD_STR, false, true, 1, 8000},    {"category", FIELD_STR, false, true, 1, 200},
    {"for", FIELD_OBJECT, true, false, 0, 0},    {"minutes", FIELD_INT, false, true, 1, 527040},
    {"until", FIELD_STR, false, true, 1, 40},    {"reason", FIELD_STR, true, false, 1, 500},
    {"owner", FIELD_STR, false, true, 0, 200},   {"publish", FIELD_BOOL, false, false, 0, 0},
    {"dry_run", FIELD_BOOL, false, false, 0, 0},
};

static bool add_rule(struct call *c, struct edit *x)
{
    struct exception_ask ask;
    if (!exception_find_read(c, &ask))
        return false;
    long at = exception_find_place(c, &ask, &x->ask, x->document);
    if (at < 0)
        return false;
    json_t *rules = json_object_get(x->document, "rules");
    const json_t *follower = json_array_get(rules, (size_t)at);
    x->rule = exception_rule_make(&ask, x->document);
    x->sentence = exception_rule_sentence(&c->arena, x->rule, follower);
    x->before = str_of(json_string_value(json_object_get(follower, "id")));
    if (x->rule && x->sentence.p && json_array_insert_new(rules, (size_t)at, x->rule) == 0)
        return true;
    problem_reply_err(c, ERR_NOMEM, "policy");
    return false;
}

static void make(struct call *c)
{
    struct edit x = {0};
    if (open_edit(c, &x) && add_rule(c, &x) && store_edit(c, &x))
        keep(c, &x);
    close_edit(&x);
}

/* --- what it would open ------------------------------------------------------------------------
 */

/* [{"name", "n"}] of those with newly allowed requests, the most first. */
static json_t *opened(const json_t *rows)
{
    json_t *all = json_array();
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        json_int_t n = json_integer_value(json_object_get(row, "newly_allowed"));
        if (n > 0 && json_array_size(all) < PEOPLE_MAX)
            json_array_append_new(
                all, json_pack("{s:O,s:I}", "name", json_object_get(row, "name"), "n", n));
    }
    return all;
}

static json_t *member(const json_t *o, const char *name)
{
    json_t *v = json_object_get(o, name);
    return v ? json_incref(v) : json_null();
}

static json_t *radius_json(const json_t *r, const struct replay_ask *ask)
{
    json_t *examples = json_array(), *all = json_object_get(r, "examples");
    for (size_t i = 0; i < json_array_size(all) && i < PEOPLE_MAX; i++)
        json_array_append(examples, json_array_get(all, i));
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "records", member(r, "judged"), "newly_allowed",
        member(r, "newly_allowed"), "people", opened(json_object_get(r, "by_user")), "hosts",
        opened(json_object_get(r, "by_host")), "examples", examples, "from",
        reply_time(ask->from_ms), "to", reply_time(ask->to_ms), "is_whole", member(r, "is_whole"));
}

/* The live document with the rule against the last day's records; null when that could not be
 * told in time. */
static json_t *radius(struct call *c, const json_t *document)
{
    char why[STORE_WHY_BYTES];
    json_t *result = NULL, *out = NULL;
    char *text = json_dumps(document, JSON_COMPACT);
    int64_t now = clock_wall_ms(&c->app->clock);
    struct replay_ask ask = {.document = str_of(text),
                             .from_ms = now - DAY_MS,
                             .to_ms = now,
                             .deadline_ms = clock_mono_ms(&c->app->clock) + RADIUS_MS};
    if (text && replay_run(c->app, &ask, NULL, why, &result) == OK)
        out = radius_json(result, &ask);
    json_decref(result);
    free(text);
    return out;
}

static void preview(struct call *c)
{
    struct edit x = {0};
    bool has_log = role_may(c->caller.role, PERMISSION_LOG);
    if (open_edit(c, &x) && add_rule(c, &x)) {
        keep(c, &x);
        if (!c->reply.status)
            reply_done(c, c->after, has_log ? radius(c, x.document) : NULL);
    }
    close_edit(&x);
}

void api_exceptions_make(struct call *c)
{
    fields_number_as_text(c->json, "record");
    if (!fields_check(c, make_fields, sizeof make_fields / sizeof *make_fields))
        return;
    if (fields_bool(c->json, "dry_run", false))
        preview(c);
    else
        transact_change(c, make, after_edit);
}

/* --- renewing and ending -----------------------------------------------------------------------
 */

static bool find_rule(struct call *c, struct edit *x)
{
    x->rule = exception_rule_find(x->document, c->params[0]);
    if (x->rule && exception_rule_is(x->rule))
        return true;
    problem_reply_err(c, ERR_NOT_FOUND, "exception");
    return false;
}

static void set_end(struct call *c, struct edit *x, int64_t end_ms, const char *word)
{
    char until[CLOCK_RFC3339_BYTES], sentence[300];
    clock_format_rfc3339(end_ms, until);
    json_object_set_new(x->rule, "expires_at", json_string(until));
    snprintf(sentence, sizeof sentence, "%s: %.200s", word,
             json_string_value(json_object_get(x->rule, "id")));
    x->sentence = arena_str(&c->arena, str_of(sentence));
    if (store_edit(c, x))
        keep(c, x);
}

static void renew(struct call *c)
{
    struct edit x = {0};
    int64_t until;
    if (exception_find_until(c, clock_wall_ms(&c->app->clock), &until) && open_edit(c, &x) &&
        find_rule(c, &x))
        set_end(c, &x, until, "exception renewed");
    close_edit(&x);
}

void api_exceptions_renew(struct call *c)
{
    static const struct field fields[] = {{"minutes", FIELD_INT, false, true, 1, 527040},
                                          {"until", FIELD_STR, false, true, 1, 40},
                                          {"publish", FIELD_BOOL, false, false, 0, 0}};
    if (fields_check(c, fields, 3))
        transact_change(c, renew, after_edit);
}

static void end(struct call *c)
{
    struct edit x = {0};
    if (open_edit(c, &x) && find_rule(c, &x))
        set_end(c, &x, clock_wall_ms(&c->app->clock), "exception ended");
    close_edit(&x);
}

void api_exceptions_end(struct call *c)
{
    static const struct field fields[] = {{"publish", FIELD_BOOL, false, false, 0, 0}};
    if (!c->json || fields_check(c, fields, 1))
        transact_change(c, end, after_edit);
}

void api_exceptions_sweep(struct call *c)
{
    struct policy_docs_draft d;
    uint64_t revision;
    size_t i = 0;
    int64_t now = clock_wall_ms(&c->app->clock);
    if (!policy_docs_draft(c, &d))
        return;
    json_t *document = json_loadb(d.draft.document.p, d.draft.document.n, 0, NULL);
    json_t *rules = json_object_get(document, "rules"), *removed = json_array();
    while (i < json_array_size(rules)) {
        const json_t *rule = json_array_get(rules, i);
        int64_t ends = exception_rule_end(rule);
        if (!ends || ends > now) {
            i++;
            continue;
        }
        json_array_append(removed, json_object_get(rule, "id"));
        json_array_remove(rules, i);
    }
    bool good =
        !json_array_size(removed) || policy_docs_save(c, document, d.draft.revision, &revision);
    if (good) {
        call_audit(c, STR("draft"), NULL, json_pack("{s:O}", "removed", removed));
        reply_json(c, 200, json_pack("{s:O}", "removed", removed));
    }
    json_decref(removed);
    json_decref(document);
}

/* --- those there are ---------------------------------------------------------------------------
 */

struct listing {
    struct call *c;
    struct event_rule_uses uses;
    int64_t now_ms;
    struct str wanted; /* state; "all" */
    json_t *items;
};

static const struct event_rule_use *use_of(const struct listing *l, struct str id)
{
    for (size_t i = 0; i < l->uses.n; i++)
        if (str_eq(l->uses.rows[i].rule, id))
            return &l->uses.rows[i];
    return NULL;
}

/* The moment that is in its id; 0: somebody else gave it its id. */
static int64_t made_at(struct str id)
{
    char text[32];
    int64_t at = 0;
    if (!str_starts(id, STR(EXCEPTION_PREFIX)) || id.n < sizeof EXCEPTION_PREFIX - 1 + 15)
        return 0;
    const char *p = id.p + sizeof EXCEPTION_PREFIX - 1;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", p, p + 4, p + 6, p + 9, p + 11,
             p + 13);
    return event_filter_time(str_of(text), 0, &at) == OK ? at : 0;
}

static const char *state_of(const struct listing *l, const json_t *rule, bool is_live)
{
    int64_t ends = exception_rule_end(rule);
    if (ends && ends <= l->now_ms)
        return "lapsed";
    if (!is_live)
        return "draft";
    return ends && ends <= l->now_ms + LAPSING_MS ? "lapsing" : "active";
}

static json_t *item(const struct listing *l, const json_t *rule, bool is_live, bool is_draft)
{
    struct str id = fields_str(rule, "id", STR(""));
    const struct event_rule_use *use = use_of(l, id);
    int64_t made = made_at(id), last = use ? use->last_hit_ms : 0;
    bool is_used = (last && l->now_ms - last < USED_MS) || (made && l->now_ms - made < USED_MS);
    json_t *out = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:b,s:b,s:o,s:o,s:b,s:o,s:o}", "id",
                            reply_str(id), "name", reply_str(fields_str(rule, "name", STR(""))),
                            "owner", reply_str(fields_str(rule, "owner", STR(""))), "reason",
                            reply_str(fields_str(rule, "comment", STR(""))), "created_at",
                            reply_time(made), "expires_at", reply_time(exception_rule_end(rule)),
                            "state", state_of(l, rule, is_live), "in_live", (int)is_live,
                            "in_draft", (int)is_draft, "hits", reply_u64(use ? use->hits : 0),
                            "last_hit_at", reply_time(last), "still_used", (int)is_used, "when",
                            member(rule, "when"), "action", member(rule, "action"));
    return out;
}

static void list_rules(struct listing *l, const json_t *from, const json_t *other, bool is_live)
{
    size_t i;
    const json_t *rule;
    json_array_foreach(json_object_get(from, "rules"), i, rule)
    {
        bool is_both = exception_rule_find(other, fields_str(rule, "id", STR(""))) != NULL;
        if (!exception_rule_is(rule) || (!is_live && is_both))
            continue;
        json_t *one = item(l, rule, is_live, !is_live || is_both);
        struct str state = fields_str(one, "state", STR(""));
        if (str_eq(l->wanted, STR("all")) || str_eq(l->wanted, state) ||
            (str_eq(l->wanted, STR("active")) && str_eq(state, STR("lapsing"))))
            json_array_append_new(l->items, one);
        else
            json_decref(one);
    }
}

static bool load_uses(struct call *c, struct listing *l)
{
    struct event_span span = {.from_ms = l->now_ms - USE_DAYS * DAY_MS, .to_ms = l->now_ms};
    enum err e = event_report_rules(c->desk->events, &span, &c->arena, &l->uses);
    if (e != OK)
        problem_reply_err(c, e, "report");
    return e == OK;
}

void api_exceptions_list(struct call *c)
{
    struct policy_docs_draft d;
    struct listing l = {.c = c,
                        .now_ms = clock_wall_ms(&c->app->clock),
                        .wanted = call_query(c, "state", STR("all"))};
    static const char *const states[] = {"all", "active", "lapsing", "lapsed", "draft"};
    bool is_known = false;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        is_known = is_known || str_eq(l.wanted, str_of(states[i]));
    if (!is_known) {
        problem_reply_fault(c, "/state", "unknown-state",
                            "state is active, lapsing, lapsed, draft or all.");
        return;
    }
    if (!policy_docs_draft(c, &d) || !load_uses(c, &l))
        return;
    json_t *live = json_loadb(d.live.p, d.live.n, 0, NULL);
    json_t *draft = json_loadb(d.draft.document.p, d.draft.document.n, 0, NULL);
    l.items = json_array();
    list_rules(&l, live, draft, true);
    list_rules(&l, draft, live, false);
    json_decref(live);
    json_decref(draft);
    reply_page(c, l.items, NULL);
}
