/* lint: the searches one after the other, and what they found as JSON or as warnings. */
#include "policies/lint.h"

#include <stdlib.h>

#include "policies/explain.h"
#include "policies/lint_list.h"
#include "policies/lint_never.h"
#include "policies/lint_pairs.h"

#define WARN_RULES_MAX 2000 /* rules of a document that is checked while it is edited */
#define DAY_MS         (INT64_C(86400) * 1000)

/* --- rules that do what would be done anyway ----------------------------------------------------
 */

/* From the end: as long as every rule does what the default does, none of them is needed. */
static void look_at_end(struct lint_view *x)
{
    const struct snapshot *s = x->s;
    char name[LINT_NAME_MAX];
    for (uint32_t i = s->n_rules; i-- > 0;) {
        const struct model_rule *r = &s->model->rules[i];
        struct lint_place at = {(int)i, -1, NULL};
        if (x->life[i] == LINT_CANNOT || r->is_shadow)
            continue;
        if (s->effect[i] != s->effect[s->n_rules])
            return;
        if (x->life[i] == LINT_TAKEN)
            continue; /* told already */
        lint_list_add(x->list, LINT_REDUNDANT, &at,
                      "Rule %s does what the default does, and no rule behind it does otherwise: "
                      "without it nothing changes but the name in the log.",
                      lint_name(r, name));
    }
}

/* --- rules nobody hits ---------------------------------------------------------------------------
 */

/* A rule that is younger than the days asked about counts as hit just now. */
static bool make_last_hits(const struct lint_view *x, const struct lint_input *in, int64_t *last)
{
    struct map by_id;
    bool is_good = true;
    map_init(&by_id);
    for (uint32_t i = 0; i < x->s->n_rules && is_good; i++) {
        last[i] = in->now_ms;
        is_good = map_put(&by_id, x->s->model->rules[i].id, &last[i], NULL) == OK;
    }
    for (size_t i = 0; i < in->n_old_rules && is_good; i++) {
        int64_t *at = map_get(&by_id, in->old_rules[i]);
        if (at)
            *at = 0;
    }
    for (size_t i = 0; i < in->n_uses && is_good; i++) {
        int64_t *at = map_get(&by_id, in->uses[i].rule_id);
        if (at && in->uses[i].last_hit_ms > *at)
            *at = in->uses[i].last_hit_ms;
    }
    map_fini(&by_id);
    return is_good;
}

static void look_at_use(struct lint_view *x, const struct lint_input *in)
{
    int64_t bound = in->now_ms - (int64_t)in->idle_days * DAY_MS;
    int64_t *last = calloc((size_t)x->s->n_rules + 1, sizeof *last);
    char name[LINT_NAME_MAX];
    if (!last || !make_last_hits(x, in, last))
        x->list->failed = true;
    for (uint32_t i = 0; i < x->s->n_rules && !x->list->failed; i++) {
        const struct model_rule *r = &x->s->model->rules[i];
        struct lint_place at = {(int)i, -1, NULL};
        if (x->life[i] == LINT_LIVES && !r->is_shadow && last[i] < bound)
            lint_list_add(x->list, LINT_IDLE, &at, "Rule %s has decided nothing in %u days.",
                          lint_name(r, name), in->idle_days);
    }
    free(last);
}

/* --- what stands beside the rules ----------------------------------------------------------------
 */

static void look_at_lists(struct lint_view *x)
{
    const struct model *m = x->s->model;
    char pointer[64];
    struct lint_place at = {-1, -1, pointer};
    for (size_t i = 0; i < m->n_lists; i++) {
        snprintf(pointer, sizeof pointer, "/lists/%zu", i);
        if (!map_get(&x->s->keys[KEY_LISTS].ids, m->lists[i].name))
            lint_list_add(x->list, LINT_UNUSED_LIST, &at, "No rule names the list \"%.*s\".",
                          STR_ARG(str_sub(m->lists[i].name, 0, 80)));
    }
    for (size_t i = 0; i < m->n_schedules; i++) {
        snprintf(pointer, sizeof pointer, "/schedules/%zu", i);
        if (!map_get(&x->s->keys[KEY_SCHEDULES].ids, m->schedules[i].name))
            lint_list_add(x->list, LINT_UNUSED_SCHEDULE, &at,
                          "No rule names the schedule \"%.*s\".",
                          STR_ARG(str_sub(m->schedules[i].name, 0, 80)));
    }
}

/* Rules that live, enforce, and decide none of the document's tests. */
static unsigned count_untested(const struct lint_view *x, const json_t *results, int *first)
{
    struct map tested;
    static char mark;
    size_t i;
    const json_t *result;
    unsigned n = 0;
    map_init(&tested);
    json_array_foreach(results, i, result)
    {
        const json_t *rule = json_object_get(result, "rule");
        if (json_is_string(rule) &&
            map_put(&tested, str_of(json_string_value(rule)), &mark, NULL) != OK)
            x->list->failed = true;
    }
    for (uint32_t r = 0; r < x->s->n_rules; r++) {
        const struct model_rule *rule = &x->s->model->rules[r];
        if (x->life[r] != LINT_LIVES || rule->is_shadow || map_get(&tested, rule->id))
            continue;
        *first = n++ == 0 ? (int)r : *first;
    }
    map_fini(&tested);
    return n;
}

static void look_at_tests(struct lint_view *x)
{
    const struct model *m = x->s->model;
    struct lint_place at = {-1, -1, "/tests"};
    char name[LINT_NAME_MAX];
    int first = -1;
    if (m->n_tests == 0) {
        if (m->n_rules)
            lint_list_add(x->list, LINT_NO_TESTS, &at,
                          "The policy has no tests: nothing would notice a rule that stops "
                          "working.");
        return;
    }
    json_t *results = explain_tests(x->s, x->now_ms, NULL);
    unsigned n = count_untested(x, results, &first);
    json_decref(results);
    if (n)
        lint_list_add(x->list, LINT_UNTESTED, &at,
                      "%u of %u rules decide none of the tests; the first is %s.", n, x->s->n_rules,
                      lint_name(&m->rules[first], name));
}

/* --- all together --------------------------------------------------------------------------------
 */

static bool search(struct lint_view *x, const struct lint_input *in)
{
    x->life = calloc((size_t)x->s->n_rules + 1, sizeof *x->life);
    if (!x->life)
        return false;
    lint_never(x);
    lint_pairs(x);
    if (in) {
        look_at_end(x);
        if (in->counted_from_ms &&
            in->counted_from_ms <= in->now_ms - (int64_t)in->idle_days * DAY_MS)
            look_at_use(x, in);
        look_at_lists(x);
        look_at_tests(x);
    }
    free(x->life);
    lint_list_sort(x->list);
    return !x->list->failed;
}

static json_t *rule_id(const struct snapshot *s, int rule)
{
    if (rule < 0)
        return json_null();
    struct str id = s->model->rules[rule].id;
    json_t *j = json_stringn(id.p, id.n);
    return j ? j : json_string("");
}

static json_t *index_of(int rule)
{
    return rule < 0 ? json_null() : json_integer(rule);
}

static json_t *finding(const struct snapshot *s, const struct lint_finding *f)
{
    json_t *text = json_string(f->text);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", lint_kind_name(f->kind),
                     "severity", lint_kind_severity(f->kind), "rule", rule_id(s, f->rule), "index",
                     index_of(f->rule), "other_rule", rule_id(s, f->other), "other_index",
                     index_of(f->other), "pointer",
                     f->pointer ? json_string(f->pointer) : json_null(), "text",
                     text ? text : json_string(lint_kind_name(f->kind))); /* cut inside a letter */
}

json_t *lint_document(const struct snapshot *s, const struct lint_input *in)
{
    struct lint_list list = {0};
    struct lint_view x = {.s = s, .now_ms = in->now_ms, .list = &list};
    json_t *out = NULL, *findings = json_array();
    if (search(&x, in) && findings) {
        for (size_t i = 0; i < list.n; i++)
            json_array_append_new(findings, finding(s, &list.v[i]));
        out = json_pack("{s:O, s:i, s:i, s:b}", "findings", findings, "n_rules", (int)s->n_rules,
                        "n_findings", (int)list.n, "truncated", list.is_cut);
    }
    json_decref(findings);
    lint_list_fini(&list);
    return out;
}

void lint_warn(const struct snapshot *s, int64_t now_ms, struct report *report)
{
    struct lint_list list = {0};
    struct lint_view x = {.s = s, .now_ms = now_ms, .list = &list};
    if (s->n_rules <= WARN_RULES_MAX && search(&x, NULL))
        for (size_t i = 0; i < list.n; i++)
            if (list.v[i].kind == LINT_NEVER || list.v[i].kind == LINT_SHADOWED ||
                list.v[i].kind == LINT_DUPLICATE || list.v[i].kind == LINT_REDUNDANT)
                report_warning(report, list.v[i].pointer ? list.v[i].pointer : "",
                               lint_kind_name(list.v[i].kind), "%s", list.v[i].text);
    lint_list_fini(&list);
}
