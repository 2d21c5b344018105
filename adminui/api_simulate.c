/* api_simulate: which policy is meant is ours; everything else is explain's. */
#include "adminui/api_simulate.h"

#include "adminui/app.h"
#include "adminui/explain_join.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "policies/explain.h"

static void answer(struct call *c, const struct snapshot *s)
{
    struct report r;
    json_t *out = NULL;
    report_init(&r);
    enum err e = explain_request(s, c->json, clock_wall_ms(&c->app->clock), &r, &out);
    if (e == OK) {
        explain_join(c, out);
        reply_json(c, 200, out);
    } else if (e == ERR_INVALID)
        problem_reply_report(c, &r, false);
    else
        problem_reply_err(c, e, "request");
    report_fini(&r);
}

void api_simulate_url(struct call *c)
{
    struct policy_ask ask;
    struct report r;
    struct snapshot *s = NULL;
    if (!policy_docs_named(c, policy_docs_take_name(c), &ask))
        return;
    if (!json_object_get(c->json, "listener"))
        json_object_set_new(c->json, "listener", reply_str(c->app->boot->listen[0].text));
    enum err e = policy_hold_get(c->app->policies, &ask, &r, &s);
    if (e == OK)
        answer(c, s);
    else if (e == ERR_INVALID)
        problem_reply_report(c, &r, false);
    else
        problem_reply_err(c, e, "policy");
    snapshot_unref(s);
    report_fini(&r);
}
