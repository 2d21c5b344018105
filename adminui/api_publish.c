/* api_publish: from a request to a change, and from there to where it may go now. */
#include "adminui/api_publish.h"

#include <stdio.h>
#include <stdlib.h>

#include "adminui/changes.h"
#include "adminui/fields.h"
#include "adminui/jobs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"
#include "base/diag.h"
#include "db/event_filter.h"
#include "policies/canary.h"

#define AHEAD_MS   (INT64_C(366) * 24 * 3600 * 1000)
#define REPLAY_MAX ((size_t)256 << 10) /* of a rehearsal kept with a change */

/* What the handler did, for `after`. */
struct outcome {
    uint64_t version; /* 0: nothing is live or on trial yet */
    uint64_t change;  /* 0: it went live at once */
    bool is_trial;
};

/* --- reading the body --------------------------------------------------------------------------
 */

static const struct field fields[] = {
    {"comment", FIELD_STR, false, false, 0, 2000}, {"at", FIELD_STR, false, true, 1, 40},
    {"canary", FIELD_OBJECT, false, true, 0, 0},   {"replay_job", FIELD_STR, false, true, 1, 20},
    {"force", FIELD_BOOL, false, false, 0, 0},     {"emergency", FIELD_BOOL, false, false, 0, 0},
    {"watch", FIELD_BOOL, false, false, 0, 0},     {"reason", FIELD_STR, false, true, 0, 2000}};
#define N_FIELDS (sizeof fields / sizeof *fields)

static bool read_time(struct call *c, struct change *x)
{
    struct str at = fields_str(c->json, "at", (struct str){0});
    if (!at.n)
        return true;
    if (event_filter_time(at, x->at_ms, &x->publish_at_ms) != OK) {
        problem_reply_fault(c, "/at", "bad-time", "A time is RFC 3339.");
        return false;
    }
    if (x->publish_at_ms > x->at_ms && x->publish_at_ms <= x->at_ms + AHEAD_MS)
        return true;
    problem_reply_fault(c, "/at", "out-of-range", "The time must be ahead, and within a year.");
    return false;
}

static bool read_trial(struct call *c, struct change *x)
{
    const json_t *scope = json_object_get(c->json, "canary");
    struct canary *canary = NULL;
    struct report r;
    if (!json_is_object(scope))
        return true;
    report_init(&r);
    enum err e = canary_read(scope, "/canary", &r, &canary);
    canary_unref(canary);
    if (e == ERR_INVALID)
        problem_reply_report(c, &r, false);
    report_fini(&r);
    char *text = e == OK ? json_dumps(scope, JSON_COMPACT) : NULL;
    x->canary = arena_str(&c->arena, str_of(text));
    free(text);
    x->canary_ms = (int64_t)(json_number_value(json_object_get(scope, "minutes")) * 60000);
    if (e == OK && !x->canary.p)
        e = ERR_NOMEM;
    if (e != OK && e != ERR_INVALID)
        problem_reply_err(c, e, "trial");
    return e == OK;
}

/* The result of a rehearsal, kept beside what it rehearsed; one that grew too large stays out. */
static bool read_replay(struct call *c, struct change *x)
{
    struct str name = fields_str(c->json, "replay_job", (struct str){0});
    uint64_t id;
    if (!name.n)
        return true;
    json_t *job = str_to_u64(name, INT64_MAX, &id) == OK ? jobs_get(c->app->jobs, id) : NULL;
    struct str kind = fields_str(job, "kind", (struct str){0});
    struct str state = fields_str(job, "state", (struct str){0});
    bool good = str_eq(kind, STR("replay")) && str_eq(state, STR("done"));
    if (good) {
        char *text = json_dumps(json_object_get(job, "result"), JSON_COMPACT);
        struct str all = str_of(text);
        x->replay = arena_str(&c->arena, all.n <= REPLAY_MAX ? all : STR(""));
        free(text);
    } else {
        problem_reply_fault(c, "/replay_job", "unknown-job",
                            "There is no finished rehearsal with this number.");
    }
    json_decref(job);
    return good;
}

static bool read_flags(struct call *c, struct change *x)
{
    x->reason = fields_str(c->json, "reason", STR(""));
    x->flags |= fields_bool(c->json, "force", false) ? CHANGE_FORCED : 0;
    x->flags |= fields_bool(c->json, "emergency", false) ? CHANGE_EMERGENCY : 0;
    x->flags |= fields_bool(c->json, "watch", true) ? 0 : CHANGE_UNWATCHED;
    if (x->flags & CHANGE_EMERGENCY && c->caller.role != ADMIN_ADMIN) {
        problem_reply(c, PROBLEM_FORBIDDEN, "Only the role admin may publish in an emergency.");
        return false;
    }
    if (!(x->flags & (CHANGE_EMERGENCY | CHANGE_FORCED)) || str_trim(x->reason).n)
        return true;
    problem_reply_fault(c, "/reason", "required", "force and emergency need a reason.");
    return false;
}

static bool read_body(struct call *c, struct change *x)
{
    if (!x->comment.n)
        x->comment = fields_str(c->json, "comment", STR(""));
    return read_time(c, x) && read_trial(c, x) && read_replay(c, x) && read_flags(c, x);
}

/* --- where it may go ---------------------------------------------------------------------------
 */

static bool fail(struct call *c, enum err e)
{
    if (e != OK)
        problem_reply_err(c, e, "policy");
    return e == OK;
}

/* Compiles and tests; 422 with every fault unless a failing test is forced. */
static bool is_publishable(struct call *c, struct api_publish *p)
{
    struct change *x = &p->change;
    struct policy_ask ask = {
        .document = x->document, .revision = p->draft_revision, .version = x->copy_of};
    enum policy_docs_fit fit;
    json_t *report = NULL;
    if (!fail(c, policy_docs_judge(c->app, &ask, &fit, &report)))
        return false;
    bool good =
        fit == POLICY_DOCS_GOOD || (fit == POLICY_DOCS_TEST_FAILS && x->flags & CHANGE_FORCED);
    if (!good)
        policy_docs_refuse(c, report);
    char *text = good ? json_dumps(report, JSON_COMPACT) : NULL;
    x->report = arena_str(&c->arena, str_of(text));
    free(text);
    json_decref(report);
    if (fit == POLICY_DOCS_GOOD)
        x->flags &= ~CHANGE_FORCED; /* nothing had to be forced */
    return good;
}

/* A version on trial would be judged against something else than it was made for. */
static bool is_free(struct call *c, const struct change *x)
{
    uint64_t trial = 0;
    if (!fail(c, change_rows_canary_version(c->desk->store, &trial)))
        return false;
    bool waits = x->state != CHANGE_DONE && x->state != CHANGE_CANARY;
    if (!trial || waits || x->kind == CHANGE_ROLLBACK || x->flags & CHANGE_EMERGENCY)
        return true;
    problem_reply(c, PROBLEM_CONFLICT, "Version %llu is on trial: promote or abort that first.",
                  (unsigned long long)trial);
    return false;
}

static enum change_state next_state(const struct change *x, bool needs_approval)
{
    if (needs_approval)
        return CHANGE_AWAITING;
    if (x->publish_at_ms)
        return CHANGE_SCHEDULED;
    return x->canary.n ? CHANGE_CANARY : CHANGE_DONE;
}

static enum err publish_now(struct call *c, const struct api_publish *p, uint64_t *version)
{
    const struct change *x = &p->change;
    struct store *s = c->desk->store;
    struct policy_publish how = {x->comment, x->author, x->at_ms, x->n_rules};
    struct policy_text text = {.document = x->document, .copy_of = x->copy_of};
    enum err e = p->draft_revision ? policy_rows_publish(s, p->draft_revision, &how, version)
                                   : policy_rows_publish_text(s, &text, &how, version);
    struct changes_live live = {*version, x->base_version, x->at_ms,
                                x->kind == CHANGE_PUBLISH && !(x->flags & CHANGE_UNWATCHED)};
    if (e == OK)
        e = changes_went_live(c->desk, &c->arena, &live);
    return e == OK && x->kind == CHANGE_EXCEPTION
               ? changes_follow_draft(c->desk, &c->arena, p->before, x->document)
               : e;
}

static enum err start_trial(struct call *c, struct change *x)
{
    struct policy_publish how = {x->comment, x->author, x->at_ms, x->n_rules};
    struct policy_text text = {.document = x->document, .is_trial = true};
    enum err e = policy_rows_publish_text(c->desk->store, &text, &how, &x->version);
    x->since_ms = x->at_ms;
    x->until_ms = x->canary_ms ? x->at_ms + x->canary_ms : 0;
    x->document = STR("");
    return e == OK ? change_rows_add(c->desk->store, x, &x->id) : e;
}

/* Changes that wait hold their documents. */
static bool has_room(struct call *c, const struct change *x)
{
    uint64_t n_open = 0;
    if (!fail(c, change_rows_n_open(c->desk->store, &n_open)))
        return false;
    bool waits = x->state != CHANGE_DONE && x->state != CHANGE_CANARY;
    if (!waits || n_open < CHANGES_OPEN_MAX)
        return true;
    problem_reply(c, PROBLEM_CONFLICT, "%d changes are open: judge or cancel some of them first.",
                  CHANGES_OPEN_MAX);
    return false;
}

/* Something that passes by the second person is not to be overlooked. */
static void tell_emergency(const struct change *x)
{
    char who[CALLER_NAME_MAX + 1], why[300];
    snprintf(who, sizeof who, "%.*s", STR_ARG(x->author));
    snprintf(why, sizeof why, "%.*s", STR_ARG(str_sub(x->reason, 0, 250)));
    diag(DIAG_WARN, "policy", "EMERGENCY: published without a second person", "by", who, "reason",
         why, NULL);
}

static bool keep_outcome(struct call *c, const struct change *x)
{
    struct outcome *o = arena_alloc(&c->arena, sizeof *o);
    char object[80];
    if (!o)
        return fail(c, ERR_NOMEM);
    *o = (struct outcome){x->version, x->id, x->state == CHANGE_CANARY};
    c->after = o;
    const char *loud = x->flags & CHANGE_EMERGENCY ? " EMERGENCY"
                       : x->flags & CHANGE_FORCED  ? " although a test fails"
                                                   : "";
    if (x->id)
        snprintf(object, sizeof object, "change %llu%s", (unsigned long long)x->id, loud);
    else
        snprintf(object, sizeof object, "version %llu%s", (unsigned long long)x->version, loud);
    call_audit(c, str_of(object), NULL, c->json ? json_incref(c->json) : NULL);
    reply_empty(c, x->version ? 200 : 202);
    if (x->flags & CHANGE_EMERGENCY)
        tell_emergency(x);
    return true;
}

bool api_publish_go(struct call *c, struct api_publish *p)
{
    struct settings_publishing settings;
    struct change *x = &p->change;
    x->author = str_of(c->caller.name);
    x->person = str_of(c->caller.person);
    x->at_ms = clock_wall_ms(&c->app->clock);
    x->n_rules = policy_docs_rules(x->document);
    if (!read_body(c, x) || !fail(c, changes_settings(c->desk, &c->arena, &settings)) ||
        !fail(c, policy_rows_live_number(c->desk->store, &x->base_version)) ||
        !is_publishable(c, p))
        return false;
    bool needs_approval = settings.needs_approval && x->base_version && !p->may_skip_approval &&
                          !(x->flags & CHANGE_EMERGENCY);
    x->flags |= needs_approval ? CHANGE_APPROVAL : 0;
    x->state = next_state(x, needs_approval);
    if (!is_free(c, x) || !has_room(c, x))
        return false;
    enum err e = x->state == CHANGE_DONE     ? publish_now(c, p, &x->version)
                 : x->state == CHANGE_CANARY ? start_trial(c, x)
                                             : change_rows_add(c->desk->store, x, &x->id);
    if (e == OK && p->draft_revision) /* asked for twice at once, the second is late */
        e = policy_rows_touch_draft(c->desk->store, p->draft_revision);
    return fail(c, e) && keep_outcome(c, x);
}

/* --- handlers ----------------------------------------------------------------------------------
 */

void api_publish_draft(struct call *c)
{
    struct policy_docs_draft d;
    fields_number_as_text(c->json, "replay_job");
    if (!fields_check(c, fields, N_FIELDS) || !policy_docs_draft(c, &d) ||
        !call_if_match(c, d.etag))
        return;
    uint64_t revision = d.draft.revision;
    d.draft.author = str_of(c->caller.name);
    if (!revision && /* nothing was edited: the draft is the live document */
        !fail(c, policy_rows_put_draft(c->desk->store, &d.draft, 0, &revision)))
        return;
    struct api_publish p = {.change = {.kind = CHANGE_PUBLISH, .document = d.draft.document},
                            .draft_revision = revision};
    api_publish_go(c, &p);
}

/* The draft follows: what is seen next in the editor is what is live. */
static enum err copy_to_draft(struct call *c, struct str document)
{
    struct policy_draft d = {0};
    uint64_t revision;
    enum err e = policy_rows_draft(c->desk->store, &c->arena, &d);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    struct policy_draft copy = {.document = document,
                                .author = str_of(c->caller.name),
                                .at_ms = clock_wall_ms(&c->app->clock)};
    return policy_rows_put_draft(c->desk->store, &copy, d.revision, &revision);
}

/* Did this version run just before the live one? Going back there is an undo, not a new change. */
static bool ran_before(struct call *c, uint64_t version)
{
    struct watch w;
    uint64_t live = 0;
    return policy_rows_live_number(c->desk->store, &live) == OK &&
           watch_rows_get(c->desk->store, &c->arena, &w) == OK && w.version == live &&
           w.previous == version;
}

void api_publish_rollback(struct call *c)
{
    static const struct field allowed[] = {{"comment", FIELD_STR, false, false, 0, 2000},
                                           {"force", FIELD_BOOL, false, false, 0, 0},
                                           {"emergency", FIELD_BOOL, false, false, 0, 0},
                                           {"reason", FIELD_STR, false, true, 0, 2000}};
    struct policy_ask ask;
    char comment[64];
    if ((c->json && !fields_check(c, allowed, 4)) || !policy_docs_named(c, c->params[0], &ask))
        return;
    if (!ask.version) {
        problem_reply(c, PROBLEM_INVALID, "Only a published version can be gone back to.");
        return;
    }
    snprintf(comment, sizeof comment, "rollback to version %llu", (unsigned long long)ask.version);
    struct api_publish p = {.change = {.kind = CHANGE_ROLLBACK,
                                       .document = ask.document,
                                       .comment = fields_str(c->json, "comment", (struct str){0}),
                                       .copy_of = ask.version},
                            .may_skip_approval = ran_before(c, ask.version)};
    if (!p.change.comment.n)
        p.change.comment = str_of(comment);
    if (api_publish_go(c, &p) && p.change.state == CHANGE_DONE)
        fail(c, copy_to_draft(c, ask.document));
}

/* --- afterwards --------------------------------------------------------------------------------
 */

static void tell_proxyd(struct call *c, const struct outcome *o, struct proxy_reload *r)
{
    proxy_link_reload(c->app, r);
    uint64_t runs = o->is_trial ? r->trial_version : r->policy_version;
    bool is_old = o->is_trial ? runs != o->version : runs < o->version;
    if (!r->is_applied || !is_old)
        return;
    r->is_applied = false;
    snprintf(r->why, sizeof r->why, "proxyd still runs version %llu",
             (unsigned long long)r->policy_version);
}

json_t *api_publish_outcome(struct call *c, const void *after)
{
    static const struct outcome nothing = {0};
    const struct outcome *o = after ? after : &nothing;
    struct proxy_reload r = {0};
    if (o->version)
        tell_proxyd(c, o, &r);
    return json_pack("{s:o,s:b,s:s,s:o}", "version",
                     o->version ? reply_u64(o->version) : json_null(), "applied",
                     (int)(o->version && r.is_applied), "message", r.why, "pending",
                     o->change ? reply_u64(o->change) : json_null());
}

void api_publish_done(struct call *c)
{
    struct policy_docs_draft d;
    unsigned status = c->reply.status;
    json_t *out = api_publish_outcome(c, c->after);
    if (!policy_docs_draft(c, &d)) {
        json_decref(out);
        return;
    }
    snprintf(c->reply.etag, sizeof c->reply.etag, "%s", d.etag);
    reply_json(c, status, out);
}
