/* explain: verdict and trace as JSON. */
#include "policies/explain.h"

#include <string.h>

#include "policies/effects_read.h"
#include "policies/evidence.h"
#include "policies/flip.h"
#include "policies/reader.h"
#include "policies/request_facts.h"
#include "policies/rule.h"

static json_t *text(struct str s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.n);
    return j ? j : json_string(""); /* not UTF-8 */
}

static json_t *text_or_null(struct str s)
{
    return s.n ? text(s) : json_null();
}

static json_t *texts(const struct str *v, size_t n)
{
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, text(v[i]));
    return out;
}

static void say(struct buf *said, const struct rule_condition *c, struct str entry, size_t n_values)
{
    bool is_against = c->side == SIDE_WHEN ? c->fit == RULE_NO : c->fit == RULE_YES;
    buf_addf(said, "%s%s%s", said->n ? "; " : "", c->side == SIDE_UNLESS ? "unless " : "",
             model_key_name(c->key));
    if (c->fit == RULE_YES)
        buf_addf(said, " has %.*s", STR_ARG(str_sub(c->value, 0, 100)));
    else if (c->fit == RULE_UNKNOWN)
        buf_addf(said, " not known before %s", verdict_stage_name(c->needs));
    else
        buf_addf(said, " has none of %zu", n_values);
    if (entry.n)
        buf_addf(said, " by its entry %.*s", STR_ARG(str_sub(entry, 0, 200)));
    if (is_against)
        buf_add_z(said, " (rules it out)");
}

static json_t *conditions(const struct snapshot *s, const struct slot *x, const struct facts *f,
                          const struct model_rule *r, struct buf *said)
{
    static const char *const sides[] = {"when", "unless"};
    json_t *out = json_array();
    for (int side = 0; side < MODEL_N_SIDES; side++)
        for (int k = 0; k < MODEL_N_KEYS; k++) {
            struct rule_condition c = {.side = (enum model_side)side, .key = (enum model_key)k};
            struct str entry = {0};
            if (r->cond[side][k].n == 0)
                continue;
            rule_condition_fit(s, x, r, &c);
            if (c.fit == RULE_YES)
                entry = evidence_entry(s, x, f, c.key, c.value);
            json_array_append_new(
                out, json_pack("{s:s, s:s, s:s, s:o, s:o}", "side", sides[side], "key",
                               model_key_name(c.key), "fit", rule_fit_name(c.fit), "value",
                               text_or_null(c.value), "entry", text_or_null(entry)));
            say(said, &c, entry, r->cond[side][k].n);
        }
    return out;
}

static json_t *trace_rule(const struct snapshot *s, const struct slot *x, uint32_t i,
                          const struct facts *f, const struct verdict *v)
{
    const struct model_rule *r = &s->model->rules[i];
    enum facts_stage needs = FACTS_CONTENT;
    enum rule_fit fit = rule_fit(s, x, r, f->now_ms, &needs);
    struct buf said;
    buf_init(&said, 8192);
    json_t *c = conditions(s, x, f, r, &said);
    if (!r->is_enabled)
        buf_add_z(&said, said.n ? "; switched off" : "switched off");
    else if (r->expires_at_ms && r->expires_at_ms <= f->now_ms)
        buf_add_z(&said, said.n ? "; expired" : "expired");
    else if (said.n == 0)
        buf_add_z(&said, "no conditions: fits everything");
    json_t *out =
        json_pack("{s:i, s:o, s:o, s:s, s:b, s:b, s:s, s:b, s:o, s:o, s:o}", "index", (int)i, "id",
                  text(r->id), "name", text(r->name), "action", verdict_action_name(r->action),
                  "enabled", r->is_enabled, "shadow", r->is_shadow, "fit", rule_fit_name(fit),
                  "decided", v->is_final && v->rule == (int)i, "needs",
                  fit == RULE_UNKNOWN ? json_string(verdict_stage_name(needs)) : json_null(),
                  "conditions", c, "text", text(buf_str(&said)));
    buf_fini(&said);
    return out;
}

static json_t *verdict_json(const struct verdict *v)
{
    bool by_rule = v->is_final && v->rule >= 0;
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o}", "action",
                     verdict_action_name(v->action), "is_final", v->is_final, "rule",
                     by_rule ? text(v->rule_id) : json_null(), "rule_name",
                     by_rule ? text(v->rule_name) : json_null(), "version",
                     v->policy_version ? json_integer((json_int_t)v->policy_version) : json_null(),
                     "categories", texts(v->categories, v->n_categories), "needs",
                     v->is_final ? json_null() : json_string(verdict_stage_name(v->needs)),
                     "message", text_or_null(v->message), "redirect_url",
                     text_or_null(v->redirect_url), "log", verdict_log_name(v->log), "tls",
                     verdict_tls_name(v->tls), "shadow", texts(v->shadow, v->n_shadow), "effects",
                     effects_json(v->effects));
}

json_t *explain_facts(const struct snapshot *s, const struct facts *f)
{
    struct verdict v;
    struct slot *x = snapshot_slot_take(s);
    if (!x)
        return NULL;
    policy_decide_in(s, x, f, &v);
    json_t *out = verdict_json(&v);
    json_t *trace = json_array();
    for (uint32_t i = 0; i < s->n_rules; i++)
        json_array_append_new(trace, trace_rule(s, x, i, f, &v));
    json_t *flip = flip_find(s, x, f, &v);
    snapshot_slot_give(x);
    if (!out || !trace || json_object_set_new(out, "flip", flip) != 0 ||
        json_object_set_new(out, "trace", trace) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

enum err explain_request(const struct snapshot *s, const json_t *request, int64_t now_ms,
                         struct report *report, json_t **out)
{
    struct request_facts q;
    enum err e = request_facts_init(&q, request, now_ms, report);
    if (e == OK) {
        json_t *made = explain_facts(s, &q.facts);
        if (made && json_object_set_new(made, "url", text(q.facts.url)) == 0 &&
            json_object_set_new(made, "host", text(q.facts.host)) == 0)
            *out = made;
        else
            e = ERR_NOMEM;
    }
    request_facts_fini(&q);
    return e;
}

static json_t *test_request(const struct model_test *t)
{
    json_t *r = json_pack("{s:o}", "url", text(t->url));
    if (t->user.n)
        json_object_set_new(r, "user", text(t->user));
    if (t->client.n)
        json_object_set_new(r, "client", text(t->client));
    if (t->method.n)
        json_object_set_new(r, "method", text(t->method));
    if (t->n_groups)
        json_object_set_new(r, "groups", texts(t->groups, t->n_groups));
    return r;
}

static json_t *run_test(const struct snapshot *s, const struct model_test *t, int64_t now_ms,
                        bool *passed)
{
    struct request_facts q;
    struct report report;
    struct verdict v;
    report_init(&report);
    json_t *request = test_request(t);
    enum err e = request_facts_init(&q, request, t->time_ms ? t->time_ms : now_ms, &report);
    json_decref(request);
    *passed = false;
    json_t *out;
    if (e == OK) {
        policy_decide(s, &q.facts, &v);
        *passed = v.is_final && v.action == t->expect;
        out = json_pack("{s:o, s:b, s:s, s:s, s:o, s:s}", "name", text(t->name), "passed", *passed,
                        "expected", verdict_action_name(t->expect), "got",
                        verdict_action_name(v.action), "rule",
                        v.rule >= 0 ? text(v.rule_id) : json_null(), "message",
                        *passed ? "" : "The policy answers otherwise.");
    } else {
        out = json_pack("{s:o, s:b, s:s, s:n, s:n, s:s}", "name", text(t->name), "passed", 0,
                        "expected", verdict_action_name(t->expect), "got", "rule", "message",
                        report.n_faults ? report.faults[0].message : err_name(e));
    }
    request_facts_fini(&q);
    report_fini(&report);
    return out;
}

json_t *explain_tests(const struct snapshot *s, int64_t now_ms, bool *all_passed)
{
    json_t *out = json_array();
    bool all = true;
    for (size_t i = 0; out && i < s->model->n_tests; i++) {
        bool passed;
        json_array_append_new(out, run_test(s, &s->model->tests[i], now_ms, &passed));
        all = all && passed;
    }
    if (all_passed)
        *all_passed = all;
    return out;
}
