/* api_explain: the decision is made again from the record, by the version it names, and explained
 * by the engine; then it is compared with what the record says. */
#include "adminui/api_explain.h"

#include "adminui/app.h"
#include "adminui/desk.h"
#include "adminui/explain_join.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/event_query.h"
#include "db/policy_rows.h"
#include "policies/explain.h"
#include "policies/replay.h"

struct asked {
    struct call *c;
    bool is_done;
};

/* Why it may differ from then; NULL: it does not. */
static const char *difference(const struct record *r, const struct replay_judged *now)
{
    enum replay_outcome then;
    if (!replay_recorded(r, &then))
        return "Something else than the policy ended this request, as its record tells. What is "
               "told "
               "here is what the policy alone says.";
    if (now->outcome == REPLAY_UNSURE)
        return replay_doubt_text(now->doubt);
    if (!replay_is_same(r, then, now->outcome) ||
        (now->outcome != REPLAY_LOGIN && !str_eq(now->v.rule_id, r->rule)))
        return "Category lists have changed since, so the same policy would answer otherwise now.";
    return NULL;
}

static void answer(struct call *c, const struct record *r, const struct snapshot *s)
{
    struct replay_room room;
    struct facts f;
    struct replay_judged now;
    replay_facts(r, &room, &f);
    replay_judge_facts(s, r, &f, &now);
    const char *why_not = difference(r, &now);
    if (why_not && replay_is_cut(s, r)) { /* what is left of the URL was not enough */
        replay_cut(&f);
        replay_judge_facts(s, r, &f, &now);
        why_not = difference(r, &now);
    }
    json_t *out = explain_spent(s, &f, str_starts(r->effect, STR("quota-")));
    if (!out) {
        problem_reply_err(c, ERR_NOMEM, "explanation");
        return;
    }
    json_object_set_new(out, "url", reply_str(r->url));
    json_object_set_new(out, "host", reply_str(r->host));
    json_object_set_new(out, "same_as_recorded", json_boolean(!why_not));
    json_object_set_new(out, "reason", why_not ? json_string(why_not) : json_null());
    explain_join(c, out);
    reply_json(c, 200, out);
}

static void with_policy(struct call *c, const struct record *r)
{
    struct policy_version v;
    struct snapshot *s = NULL;
    struct report report;
    enum err e = policy_rows_version(c->desk->store, &c->arena, r->policy_version, &v);
    if (e != OK) {
        problem_reply(c, PROBLEM_NOT_FOUND,
                      "No policy had been asked when this was answered, or its version is gone.");
        return;
    }
    struct policy_ask ask = {.document = v.document, .version = v.version};
    e = policy_hold_get(c->app->policies, &ask, &report, &s);
    if (e == OK)
        answer(c, r, s);
    else
        problem_reply_err(c, e, "policy");
    snapshot_unref(s);
    report_fini(&report);
}

static bool on_record(void *ctx, const struct record *r)
{
    struct asked *a = ctx;
    a->is_done = true;
    with_policy(a->c, r);
    return true;
}

void api_explain_record(struct call *c)
{
    uint64_t id = 0;
    struct asked a = {c, false};
    struct event_emit emit = {on_record, &a};
    enum err e = str_to_u64(c->params[0], INT64_MAX, &id);
    e = e == OK ? event_query_get(c->desk->events, id, &emit) : ERR_NOT_FOUND;
    if (!a.is_done)
        problem_reply_err(c, e == OK ? ERR_NOT_FOUND : e, "record");
}
