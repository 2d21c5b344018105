/* api_simulate: facts out of the body, the verdict of policy_decide, the trace of explain. */
#include "adminui/api_simulate.h"

#include "adminui/app.h"
#include "adminui/fields.h"
#include "adminui/judge.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "policies/decide.h"

static const struct field fields[] = {{"url", FIELD_STR, true, false, 1, 8192},
                                      {"method", FIELD_STR, false, true, 0, 32},
                                      {"user", FIELD_STR, false, true, 0, 256},
                                      {"groups", FIELD_NAMES, false, true, 0, 1000},
                                      {"client", FIELD_STR, false, true, 0, 64},
                                      {"listener", FIELD_STR, false, true, 0, 200},
                                      {"time", FIELD_STR, false, true, 0, 40},
                                      {"content_type", FIELD_STR, false, true, 0, 200},
                                      {"size_bytes", FIELD_INT, false, true, 0, INT64_MAX},
                                      {"user_agent", FIELD_STR, false, true, 0, 2000}};
#define N_FIELDS (sizeof fields / sizeof *fields)

static json_t *names(const struct str *all, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, reply_str(all[i]));
    return a;
}

static json_t *text_or_null(struct str s)
{
    return s.n ? reply_str(s) : json_null();
}

static json_t *verdict_json(const struct facts *f, const struct verdict *v, uint64_t version)
{
    bool by_rule = v->rule >= 0;
    json_t *j = json_pack("{s:s,s:b,s:o,s:o,s:o,s:o,s:o}", "action", verdict_action_name(v->action),
                          "is_final", (int)v->is_final, "rule",
                          by_rule ? reply_str(v->rule_id) : json_null(), "rule_name",
                          by_rule ? reply_str(v->rule_name) : json_null(), "version",
                          version ? reply_u64(version) : json_null(), "categories",
                          names(v->categories, v->n_categories), "needs",
                          v->is_final ? json_null() : json_string(verdict_stage_name(v->needs)));
    json_object_set_new(j, "message", text_or_null(v->message));
    json_object_set_new(j, "redirect_url", text_or_null(v->redirect_url));
    json_object_set_new(j, "log", json_string(verdict_log_name(v->log)));
    json_object_set_new(j, "tls", json_string(verdict_tls_name(v->tls)));
    json_object_set_new(j, "shadow", names(v->shadow, v->n_shadow));
    json_object_set_new(j, "url", reply_str(f->url));
    json_object_set_new(j, "host", reply_str(f->host));
    return j;
}

static void answer(struct call *c, const struct policy_ask *ask, const struct facts *f)
{
    struct report r;
    struct snapshot *s = NULL;
    struct verdict v;
    enum err e = policy_hold_get(c->app->policies, ask, &r, &s);
    if (e == ERR_INVALID) {
        problem_reply_report(c, &r, false);
    } else if (e != OK) {
        problem_reply_err(c, e, "policy");
    } else {
        policy_decide(s, f, &v);
        json_t *j = verdict_json(f, &v, ask->version);
        json_object_set_new(j, "trace", json_array());
        reply_json(c, 200, j);
    }
    snapshot_unref(s);
    report_fini(&r);
}

/* "policy" is a word or a number, so it is taken out before the table looks at the body. */
static bool read_policy(struct call *c, struct policy_ask *ask)
{
    json_t *policy = json_object_get(c->json, "policy");
    struct str name = STR("live");
    if (json_is_string(policy)) {
        name = str_make(json_string_value(policy), json_string_length(policy));
    } else if (json_is_integer(policy) && json_integer_value(policy) > 0) {
        struct buf b;
        buf_init(&b, 32);
        buf_add_u64(&b, (uint64_t)json_integer_value(policy));
        name = arena_str(&c->arena, buf_str(&b));
        buf_fini(&b);
    } else if (policy && !json_is_null(policy)) {
        name = (struct str){0};
    }
    name = arena_str(&c->arena, name);
    json_object_del(c->json, "policy");
    return fields_check(c, fields, N_FIELDS) && policy_docs_named(c, name, ask);
}

void api_simulate_url(struct call *c)
{
    struct policy_ask ask;
    struct judge j;
    if (!read_policy(c, &ask))
        return;
    struct judge_ask imagined = {.request = c->json,
                                 .now_ms = clock_wall_ms(&c->app->clock),
                                 .listener = c->app->boot->listen[0].text};
    enum err e = judge_facts(&imagined, &c->arena, &j);
    if (e == ERR_INVALID && j.fault)
        problem_reply_fault(c, j.fault_member, "bad-value", j.fault);
    else if (e != OK)
        problem_reply_err(c, e, "request");
    else
        answer(c, &ask, &j.facts);
}
