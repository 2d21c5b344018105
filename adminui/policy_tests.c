/* policy_tests: facts out of each test, the verdict against what it expects. */
#include "adminui/policy_tests.h"

#include <stdio.h>

#include "adminui/app.h"
#include "adminui/fields.h"
#include "adminui/judge.h"
#include "adminui/reply.h"
#include "policies/decide.h"

#define ARENA_BYTES (256u << 10)

static json_t *result(const json_t *test, const struct verdict *v, bool passed, const char *why)
{
    return json_pack("{s:o,s:b,s:o,s:o,s:o,s:s}", "name",
                     reply_str(fields_str(test, "name", (struct str){0})), "passed", (int)passed,
                     "expected", reply_str(fields_str(test, "expect", (struct str){0})), "got",
                     v ? json_string(verdict_action_name(v->action)) : json_null(), "rule",
                     v && v->rule >= 0 ? reply_str(v->rule_id) : json_null(), "message", why);
}

static json_t *run_one(struct call *c, const json_t *test, const struct snapshot *s, bool *passed)
{
    struct arena a;
    struct judge j;
    struct verdict v;
    char why[400] = "";
    struct str name = fields_str(test, "name", STR("(without a name)"));
    struct judge_ask ask = {.request = test,
                            .now_ms = clock_wall_ms(&c->app->clock),
                            .nobody_when_absent = true,
                            .listener = c->app->boot->listen[0].text};
    arena_init(&a, 4096, ARENA_BYTES);
    enum err e = judge_facts(&ask, &a, &j);
    *passed = false;
    json_t *out;
    if (e != OK) {
        snprintf(why, sizeof why, "%.*s: %s", STR_ARG(name), j.fault ? j.fault : err_name(e));
        out = result(test, NULL, false, why);
    } else {
        policy_decide(s, &j.facts, &v);
        struct str want = fields_str(test, "expect", (struct str){0});
        *passed = v.is_final && str_eq(want, str_of(verdict_action_name(v.action)));
        if (!v.is_final)
            snprintf(why, sizeof why, "%.*s: cannot be decided without knowing the %s.",
                     STR_ARG(name), verdict_stage_name(v.needs));
        else if (!*passed)
            snprintf(why, sizeof why, "%.*s: expected %.*s, got %s by %.*s.", STR_ARG(name),
                     STR_ARG(want), verdict_action_name(v.action),
                     v.rule < 0 ? 11 : (int)v.rule_id.n, v.rule < 0 ? "the default" : v.rule_id.p);
        out = result(test, &v, *passed, why);
    }
    arena_fini(&a);
    return out;
}

json_t *policy_tests_run(struct call *c, struct str document, const struct snapshot *s,
                         bool *all_passed)
{
    json_t *doc = json_loadb(document.p, document.n, 0, NULL), *all = json_array();
    size_t i;
    const json_t *test;
    *all_passed = true;
    json_array_foreach(json_object_get(doc, "tests"), i, test)
    {
        bool passed;
        json_array_append_new(all, run_one(c, test, s, &passed));
        *all_passed &= passed;
    }
    json_decref(doc);
    return all;
}
