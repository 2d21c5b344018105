/* api_pending: each verb looks whether the change is in a state for it and the caller may. */
#include "adminui/api_pending.h"

#include <stdio.h>

#include "adminui/change_json.h"
#include "adminui/changes.h"
#include "adminui/fields.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"
#include "policies/diff.h"

static bool fail(struct call *c, enum err e)
{
    if (e != OK)
        problem_reply_err(c, e, "change");
    return e == OK;
}

static bool load(struct call *c, struct change *x)
{
    uint64_t id;
    if (str_to_u64(c->params[0], INT64_MAX, &id) != OK)
        return fail(c, ERR_NOT_FOUND);
    return fail(c, change_rows_get(c->desk->store, &c->arena, id, x));
}

/* --- reading -----------------------------------------------------------------------------------
 */

void api_pending_list(struct call *c)
{
    uint64_t limit = 100;
    struct change_page page = {.only_open = true};
    struct str state = call_query(c, "state", STR("open"));
    if (!call_query_number(c, "limit", 500, &limit))
        return;
    if (!str_eq(state, STR("open")) && !str_eq(state, STR("all"))) {
        problem_reply_fault(c, "/state", "unknown-state", "state is open or all.");
        return;
    }
    if (!call_query_cursor(c, &page.before))
        return;
    page.only_open = str_eq(state, STR("open"));
    size_t n = (size_t)limit + 1;
    struct change *all = arena_alloc(&c->arena, n * sizeof *all);
    if (!fail(c, all ? change_rows_list(c->desk->store, &c->arena, &page, all, &n) : ERR_NOMEM))
        return;
    json_t *items = json_array();
    for (size_t i = 0; i < n && i < limit; i++)
        json_array_append_new(items, change_json(c->desk, &c->arena, &all[i]));
    reply_page(c, items, n > limit ? reply_cursor(all[limit - 1].id) : NULL);
}

/* What it would change against the live document, or did against what was live then. */
static json_t *changes_of(struct call *c, const struct change *x, struct str document)
{
    struct policy_version base = {0};
    json_t *changes = NULL;
    enum err e = x->version ? policy_rows_version(c->desk->store, &c->arena, x->base_version, &base)
                            : policy_rows_live(c->desk->store, &c->arena, &base);
    if (e == OK)
        e = policy_diff(base.document, document, &changes);
    return e == OK ? changes : json_null();
}

void api_pending_get(struct call *c)
{
    struct change x;
    struct policy_version v;
    if (!load(c, &x))
        return;
    struct str document = x.document;
    if (!document.n && x.version && x.kind != CHANGE_SETTINGS &&
        policy_rows_version(c->desk->store, &c->arena, x.version, &v) == OK)
        document = v.document;
    json_t *out = change_json(c->desk, &c->arena, &x);
    json_t *parsed = document.n ? json_loadb(document.p, document.n, 0, NULL) : NULL;
    bool has_policy = parsed && x.kind != CHANGE_SETTINGS;
    json_object_set_new(out, "changes", has_policy ? changes_of(c, &x, document) : json_null());
    json_object_set_new(out, "document", parsed ? parsed : json_null());
    reply_json(c, 200, policy_docs_shown(c, out));
}

void api_pending_watch(struct call *c)
{
    reply_json(c, 200, change_json_watch(c->desk, &c->arena));
}

/* --- what people say ---------------------------------------------------------------------------
 */

struct said { /* for `after` */
    uint64_t id;
    bool is_told; /* proxyd has to know */
};

static bool read_comment(struct call *c, struct str *comment)
{
    static const struct field fields[] = {{"comment", FIELD_STR, false, true, 0, 2000}};
    if (c->json && !fields_check(c, fields, 1))
        return false;
    *comment = fields_str(c->json, "comment", STR(""));
    return true;
}

static void said(struct call *c, const struct change *x, bool is_told)
{
    struct said *s = arena_alloc(&c->arena, sizeof *s);
    char object[80];
    if (!s) {
        fail(c, ERR_NOMEM);
        return;
    }
    *s = (struct said){x->id, is_told};
    c->after = s;
    snprintf(object, sizeof object, "change %llu, now %s", (unsigned long long)x->id,
             change_state_name(x->state));
    call_audit(c, str_of(object), NULL, c->json ? json_incref(c->json) : NULL);
    reply_empty(c, 200);
}

static bool is_in(struct call *c, const struct change *x, unsigned states, const char *what)
{
    if (states >> x->state & 1u)
        return true;
    problem_reply(c, PROBLEM_CONFLICT, "The change is %s: it cannot be %s.",
                  change_state_name(x->state), what);
    return false;
}

#define IN(s) (1u << CHANGE_##s)

/* The second person is somebody else, of a role the settings name. */
static bool may_judge(struct call *c, const struct change *x)
{
    struct settings_publishing p;
    if (str_eq_nocase(x->person, str_of(c->caller.person))) {
        problem_reply(c, PROBLEM_FORBIDDEN,
                      "Somebody else has to judge this: it is your own change.");
        return false;
    }
    if (!fail(c, changes_settings(c->desk, &c->arena, &p)))
        return false;
    if (!p.roles || p.roles >> c->caller.role & 1u)
        return true;
    problem_reply(c, PROBLEM_FORBIDDEN, "The settings name other roles for this than %s.",
                  admin_role_name(c->caller.role));
    return false;
}

static bool note(struct call *c, const struct change *x, bool is_approved, struct str comment)
{
    struct change_approval a = {.author = str_of(c->caller.name),
                                .person = str_of(c->caller.person),
                                .comment = comment,
                                .at_ms = clock_wall_ms(&c->app->clock),
                                .is_approved = is_approved};
    return fail(c, change_rows_approve(c->desk->store, x->id, &a));
}

/* What it was made for must still be live: else it would undo what came between. */
static bool is_current(struct call *c, const struct change *x)
{
    uint64_t live = 0, trial = 0;
    if (x->kind == CHANGE_SETTINGS)
        return true;
    if (!fail(c, policy_rows_live_number(c->desk->store, &live)) ||
        !fail(c, change_rows_canary_version(c->desk->store, &trial)))
        return false;
    if (live != x->base_version)
        problem_reply(c, PROBLEM_CONFLICT,
                      "It was made for version %llu, but version %llu is live now: it would undo "
                      "that. Ask anew from the draft.",
                      (unsigned long long)x->base_version, (unsigned long long)live);
    else if (trial)
        problem_reply(c, PROBLEM_CONFLICT, "Version %llu is on trial: promote or abort that first.",
                      (unsigned long long)trial);
    return live == x->base_version && !trial;
}

static void carry_out(struct call *c, struct change *x)
{
    struct changes_judged j;
    int64_t now = clock_wall_ms(&c->app->clock);
    struct changes_carry carry = {x->state, &j, now};
    x->message = STR("");
    if (fail(c, changes_judge(c->app, x, &j)) &&
        fail(c, changes_carry_out(c->desk, &c->arena, x, &carry)))
        said(c, x, true);
    changes_judged_fini(&j);
}

void api_pending_approve(struct call *c)
{
    struct change x;
    struct str comment;
    if (!read_comment(c, &comment) || !load(c, &x) || !is_in(c, &x, IN(AWAITING), "approved") ||
        !may_judge(c, &x) || !is_current(c, &x) || !note(c, &x, true, comment))
        return;
    if (x.publish_at_ms <= clock_wall_ms(&c->app->clock)) {
        carry_out(c, &x);
        return;
    }
    x.state = CHANGE_SCHEDULED;
    if (fail(c, change_rows_move(c->desk->store, &x, CHANGE_AWAITING)))
        said(c, &x, false);
}

static void end(struct call *c, struct change *x, enum change_state to, struct str comment)
{
    struct changes_end how = {x->state, to, comment, clock_wall_ms(&c->app->clock)};
    bool is_told = x->state == CHANGE_CANARY;
    if (fail(c, changes_end(c->desk, x, &how)))
        said(c, x, is_told);
}

void api_pending_reject(struct call *c)
{
    struct change x;
    struct str comment;
    if (!read_comment(c, &comment) || !load(c, &x) || !is_in(c, &x, IN(AWAITING), "rejected") ||
        !may_judge(c, &x))
        return;
    if (!str_trim(comment).n) {
        problem_reply_fault(c, "/comment", "required", "Say why, in a comment.");
        return;
    }
    if (note(c, &x, false, comment))
        end(c, &x, CHANGE_REJECTED, comment);
}

void api_pending_promote(struct call *c)
{
    struct change x;
    struct str comment;
    if (!read_comment(c, &comment) || !load(c, &x) ||
        !is_in(c, &x, IN(SCHEDULED) | IN(HELD) | IN(CANARY), "promoted"))
        return;
    if (x.state == CHANGE_CANARY) {
        if (fail(c, changes_promote(c->desk, &c->arena, &x, clock_wall_ms(&c->app->clock))))
            said(c, &x, true);
        return;
    }
    /* agreed to for another base, or put on trial: a person who looked may say so, unless a second
     * one was needed */
    bool may_undo = x.state == CHANGE_HELD && !(x.flags & CHANGE_APPROVAL);
    if (may_undo || is_current(c, &x))
        carry_out(c, &x);
}

void api_pending_abort(struct call *c)
{
    struct change x;
    struct str comment;
    if (read_comment(c, &comment) && load(c, &x) && is_in(c, &x, IN(CANARY), "aborted"))
        end(c, &x, CHANGE_ABORTED, comment);
}

void api_pending_cancel(struct call *c)
{
    struct change x;
    struct str comment;
    if (read_comment(c, &comment) && load(c, &x) &&
        is_in(c, &x, IN(AWAITING) | IN(SCHEDULED) | IN(HELD), "cancelled"))
        end(c, &x, CHANGE_CANCELLED, comment);
}

void api_pending_done(struct call *c)
{
    const struct said *s = c->after;
    struct proxy_reload r = {.is_applied = true};
    struct change x;
    if (s->is_told)
        proxy_link_reload(c->app, &r);
    if (!fail(c, change_rows_get(c->desk->store, &c->arena, s->id, &x)))
        return;
    json_t *out = change_json(c->desk, &c->arena, &x);
    json_object_set_new(out, "applied", json_boolean(r.is_applied));
    if (!r.is_applied)
        json_object_set_new(out, "message", json_string(r.why));
    reply_json(c, 200, out);
}
