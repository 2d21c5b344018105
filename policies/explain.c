/* explain: verdict and trace as JSON. */
#include "policies/explain.h"

#include <stdio.h>
#include <string.h>

#include "policies/effects_read.h"
#include "policies/evidence.h"
#include "policies/explain_text.h"
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

static struct str path_of_group(const struct facts *f, struct str group)
{
    for (size_t i = 0; f->group_paths && i < f->n_groups; i++)
        if (str_eq_nocase(f->groups[i], group))
            return f->group_paths[i];
    return (struct str){0};
}

static struct explain_evidence find_evidence(const struct snapshot *s, struct slot *x,
                                             const struct facts *f, const struct rule_condition *c)
{
    struct explain_evidence e = {0};
    if (c->fit == RULE_YES) {
        e.entry = evidence_entry(s, x, f, c->key, c->value);
        if (c->key == KEY_GROUPS)
            e.path = path_of_group(f, c->value);
    }
    return e;
}

/* What the sentence of a whole rule says: all of it that fits, or only what is against it. */
struct saying {
    struct buf fits, against, open; /* conditions that fit, rule it out, are not known */
};

static void saying_init(struct saying *w)
{
    buf_init(&w->fits, 16384);
    buf_init(&w->against, 16384);
    buf_init(&w->open, 16384);
}

static void saying_fini(struct saying *w)
{
    buf_fini(&w->fits);
    buf_fini(&w->against);
    buf_fini(&w->open);
}

static void say(struct saying *w, const struct rule_condition *c, struct str text)
{
    bool is_exempt = c->side == SIDE_UNLESS && c->fit == RULE_YES;
    struct buf *to = c->fit == RULE_UNKNOWN                                     ? &w->open
                     : is_exempt || (c->side == SIDE_WHEN && c->fit == RULE_NO) ? &w->against
                     : c->side == SIDE_WHEN                                     ? &w->fits
                                                                                : NULL;
    if (to) /* an exemption that does not apply is not worth a word */
        buf_addf(to, "%s%s%.*s", to->n ? (to == &w->fits ? ", and " : "; ") : "",
                 is_exempt ? "exempt, for " : "", STR_ARG(text));
}

static json_t *condition(const struct rule_condition *c, const struct explain_evidence *e,
                         struct str said)
{
    static const char *const sides[] = {"when", "unless"};
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:n, s:n, s:o, s:o}", "side", sides[c->side],
                     "key", model_key_name(c->key), "fit", rule_fit_name(c->fit), "value",
                     text_or_null(c->value), "entry", text_or_null(e->entry), "source",
                     e->entry.n && c->key == KEY_LISTS ? json_string("policy") : json_null(),
                     "source_title", "since", "path", text_or_null(e->path), "text", text(said));
}

static json_t *conditions(const struct snapshot *s, struct slot *x, const struct facts *f,
                          const struct model_rule *r, struct saying *w)
{
    json_t *out = json_array();
    struct buf said;
    buf_init(&said, 8192);
    for (int side = 0; side < MODEL_N_SIDES; side++)
        for (int k = 0; k < MODEL_N_KEYS; k++) {
            struct rule_condition c = {.side = (enum model_side)side, .key = (enum model_key)k};
            if (r->cond[side][k].n == 0)
                continue;
            rule_condition_fit(s, x, r, &c);
            struct explain_evidence e = find_evidence(s, x, f, &c);
            buf_clear(&said);
            explain_text_condition(&said, r, &c, &e);
            json_array_append_new(out, condition(&c, &e, buf_str(&said)));
            say(w, &c, buf_str(&said));
        }
    buf_fini(&said);
    return out;
}

/* One sentence on the part a rule had in it. */
static void say_rule(struct buf *out, const struct model_rule *r, int64_t now_ms,
                     const struct saying *w)
{
    if (!r->is_enabled)
        buf_add_z(out, "Switched off.");
    else if (r->expires_at_ms && r->expires_at_ms <= now_ms)
        buf_add_z(out, "Lapsed.");
    else if (w->against.n)
        buf_addf(out, "Does not fit: %.*s.", STR_ARG(buf_str(&w->against)));
    else if (w->open.n)
        buf_addf(out, "Not certain: %.*s.", STR_ARG(buf_str(&w->open)));
    else if (w->fits.n)
        buf_addf(out, "Fits: %.*s.", STR_ARG(buf_str(&w->fits)));
    else
        buf_add_z(out, "Fits: it has no conditions.");
}

static const char *name_of(const struct model_rule *r, char out[100])
{
    snprintf(out, 100, "%.*s", STR_ARG(str_sub(r->name.n ? r->name : r->id, 0, 80)));
    return out;
}

/* The whole answer in one or two sentences. */
static void say_why(struct buf *out, const struct snapshot *s, const struct verdict *v,
                    const struct saying *w)
{
    char name[100];
    const struct model_rule *r = v->rule >= 0 ? &s->model->rules[v->rule] : NULL;
    if (!v->is_final && r)
        buf_addf(out, "Not decided yet: rule \"%s\" (number %d) depends on %s.", name_of(r, name),
                 v->rule + 1, explain_text_stage(v->needs));
    else if (!v->is_final)
        buf_add_z(out, "Not decided yet: this policy wants to know who asks first.");
    else if (r && v->is_spent)
        buf_addf(out, "Blocked by rule \"%s\" (number %d), whose allowance of the day was used up.",
                 name_of(r, name), v->rule + 1);
    else if (r && w->fits.n)
        buf_addf(out, "%s by rule \"%s\" (number %d), because %.*s.", explain_text_done(v->action),
                 name_of(r, name), v->rule + 1, STR_ARG(buf_str(&w->fits)));
    else if (r)
        buf_addf(out, "%s by rule \"%s\" (number %d), which fits every request.",
                 explain_text_done(v->action), name_of(r, name), v->rule + 1);
    else if (v->is_given_up)
        buf_add_z(out,
                  "Blocked because a URL pattern was given up on this address: it cost too much "
                  "to run (pattern_limit of the policy).");
    else
        buf_addf(out, "%s by default: no rule fits this request.", explain_text_done(v->action));
}

struct explaining {
    const struct snapshot *s;
    struct slot *x;
    const struct facts *f;
    const struct verdict *v;
    struct buf why;
};

static json_t *trace_rule(struct explaining *e, uint32_t i)
{
    const struct model_rule *r = &e->s->model->rules[i];
    enum facts_stage needs = FACTS_CONTENT;
    enum rule_fit fit = rule_fit(e->s, e->x, r, e->f->now_ms, &needs);
    bool has_decided = e->v->is_final && e->v->rule == (int)i;
    struct saying w;
    struct buf said;
    saying_init(&w);
    buf_init(&said, 65536);
    json_t *c = conditions(e->s, e->x, e->f, r, &w);
    say_rule(&said, r, e->f->now_ms, &w);
    if (e->v->rule == (int)i)
        say_why(&e->why, e->s, e->v, &w);
    json_t *out = json_pack(
        "{s:i, s:o, s:o, s:s, s:b, s:b, s:s, s:b, s:o, s:o, s:o}", "index", (int)i, "id",
        text(r->id), "name", text(r->name), "action", verdict_action_name(r->action), "enabled",
        r->is_enabled, "shadow", r->is_shadow, "fit", rule_fit_name(fit), "decided", has_decided,
        "needs", fit == RULE_UNKNOWN ? json_string(verdict_stage_name(needs)) : json_null(),
        "conditions", c, "text", text(buf_str(&said)));
    saying_fini(&w);
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

static bool add_trace(struct explaining *e, json_t *out)
{
    json_t *trace = json_array(), *flip = flip_find(e->s, e->x, e->f, e->v);
    struct saying nothing = {0};
    for (uint32_t i = 0; i < e->s->n_rules; i++)
        json_array_append_new(trace, trace_rule(e, i));
    if (e->v->rule < 0)
        say_why(&e->why, e->s, e->v, &nothing);
    bool is_good = json_object_set_new(out, "flip", flip) == 0;
    is_good = json_object_set_new(out, "trace", trace) == 0 && is_good;
    is_good = json_object_set_new(out, "why", text(buf_str(&e->why))) == 0 && is_good;
    return json_object_set_new(out, "index",
                               e->v->is_final && e->v->rule >= 0 ? json_integer(e->v->rule)
                                                                 : json_null()) == 0 &&
           is_good;
}

json_t *explain_facts(const struct snapshot *s, const struct facts *f)
{
    return explain_spent(s, f, false);
}

json_t *explain_spent(const struct snapshot *s, const struct facts *f, bool is_used_up)
{
    struct verdict v;
    struct slot *x = snapshot_slot_take(s);
    if (!x)
        return NULL;
    policy_decide_in(s, x, f, &v);
    verdict_spend(&v, is_used_up);
    json_t *out = verdict_json(&v);
    struct explaining e = {.s = s, .x = x, .f = f, .v = &v};
    buf_init(&e.why, 65536);
    bool is_good = out && add_trace(&e, out);
    buf_fini(&e.why);
    snapshot_slot_give(x);
    if (is_good)
        return out;
    json_decref(out);
    return NULL;
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
    if (t->server.n)
        json_object_set_new(r, "server", text(t->server));
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
                        *passed      ? ""
                        : v.is_final ? "The policy answers otherwise."
                                     : "The policy needs the server's address to answer: give "
                                       "the test a \"server\".");
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
