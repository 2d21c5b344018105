/* compile: model to snapshot: references checked, then keys, then sets. */
#include "policies/compile.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "policies/compile_effects.h"
#include "policies/compile_keys.h"
#include "policies/compile_leads.h"
#include "policies/compile_sets.h"
#include "policies/snapshot_layout.h"

static unsigned part_of(const struct model *m, enum model_key key, struct str value)
{
    if (key != KEY_LISTS)
        return 0;
    const struct model_list *l = model_list_named(m, value);
    return l ? (unsigned)l->kind : 0;
}

static bool has_schedule(const struct model *m, struct str name)
{
    for (size_t i = 0; i < m->n_schedules; i++)
        if (str_eq(m->schedules[i].name, name))
            return true;
    return false;
}

static bool has_category(const struct snapshot *s, struct str name)
{
    for (uint32_t c = 0; s->index && c < category_index_n(s->index); c++)
        if (str_eq(category_index_name(s->index, c), name))
            return true;
    return false;
}

/* One entry that names something else in the document, or a category. */
static void check_reference(const struct snapshot *s, struct report *report, enum model_key key,
                            struct str value, const char *pointer)
{
    if (key == KEY_LISTS && !model_list_named(s->model, value))
        report_fault(report, pointer, "unknown-list", "There is no list \"%.*s\" in this document.",
                     STR_ARG(str_sub(value, 0, 80)));
    else if (key == KEY_SCHEDULES && !has_schedule(s->model, value))
        report_fault(report, pointer, "unknown-schedule",
                     "There is no schedule \"%.*s\" in this document.",
                     STR_ARG(str_sub(value, 0, 80)));
    else if (key == KEY_CATEGORIES && !has_category(s, value))
        report_warning(report, pointer, "unknown-category",
                       "There is no category \"%.*s\" yet: it fits nothing until it is imported.",
                       STR_ARG(str_sub(value, 0, 80)));
}

static void check_rule(const struct snapshot *s, struct report *report, size_t rule)
{
    static const char *const sides[] = {"when", "unless"};
    static const enum model_key keys[] = {KEY_LISTS, KEY_SCHEDULES, KEY_CATEGORIES};
    const struct model_rule *r = &s->model->rules[rule];
    char pointer[160];
    for (int side = 0; side < MODEL_N_SIDES; side++)
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            for (size_t i = 0; i < r->cond[side][keys[k]].n; i++) {
                snprintf(pointer, sizeof pointer, "/rules/%zu/%s/%s/%zu", rule, sides[side],
                         model_key_name(keys[k]), i);
                check_reference(s, report, keys[k], r->cond[side][keys[k]].v[i], pointer);
            }
}

static enum err make_schedules(struct snapshot *s, struct report *report)
{
    s->schedules = calloc(s->model->n_schedules + 1, sizeof *s->schedules);
    if (!s->schedules)
        return ERR_NOMEM;
    for (size_t i = 0; i < s->model->n_schedules; i++) {
        const struct model_schedule *m = &s->model->schedules[i];
        enum err e = schedule_init(&s->schedules[i], m);
        s->n_schedules = i + 1;
        if (e == ERR_NOMEM)
            return e;
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/schedules/%zu/zone", i);
        if (e != OK)
            report_fault(report, pointer, "unknown-zone",
                         "\"%.*s\" is not a time zone of this machine, such as Europe/Paris.",
                         STR_ARG(str_sub(m->zone, 0, 80)));
    }
    return OK;
}

/* The zones of quotas. */
static enum err make_effects(struct snapshot *s, struct report *report)
{
    for (size_t i = 0; i < s->model->n_rules; i++) {
        struct effects *x = s->model->rules[i].effects;
        if (!x || !x->has_quota)
            continue;
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/rules/%zu/quota/zone", i);
        enum err e = zone_load(x->quota.zone_name, &x->quota.zone);
        if (e == ERR_NOMEM)
            return e;
        if (e != OK)
            report_fault(report, pointer, "unknown-zone",
                         "\"%.*s\" is not a time zone of this machine, such as Europe/Paris.",
                         STR_ARG(str_sub(x->quota.zone_name, 0, 80)));
    }
    return OK;
}

static enum err make_rule_bits(struct snapshot *s)
{
    s->enabled = calloc(s->n_words, sizeof *s->enabled);
    s->shadow = calloc(s->n_words, sizeof *s->shadow);
    s->expiring = calloc((size_t)s->n_rules + 1, sizeof *s->expiring);
    if (!s->enabled || !s->shadow || !s->expiring)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < s->n_rules; i++) {
        const struct model_rule *r = &s->model->rules[i];
        uint64_t bit = UINT64_C(1) << (i % 64);
        s->enabled[i / 64] |= r->is_enabled ? bit : 0;
        s->shadow[i / 64] |= r->is_shadow ? bit : 0;
        if (r->expires_at_ms)
            s->expiring[s->n_expiring++] = i;
    }
    return OK;
}

static enum err build(struct snapshot *s, const struct compile_input *in, struct report *report)
{
    for (int k = 0; k < MODEL_N_KEYS; k++)
        map_init(&s->keys[k].ids);
    s->n_rules = (uint32_t)s->model->n_rules;
    s->n_words = (s->n_rules + 63) / 64 + (s->n_rules == 0);
    s->n_todo = (s->n_words + 63) / 64;
    enum err e = secret_random(&s->seed, sizeof s->seed);
    if (e != OK)
        return e;
    for (size_t r = 0; r < s->model->n_rules; r++)
        check_rule(s, report, r);
    e = make_schedules(s, report);
    if (e == OK)
        e = make_effects(s, report);
    if (e == OK)
        e = make_rule_bits(s);
    if (e == OK)
        e = compile_effects(s);
    if (e == OK)
        e = compile_keys_all(s, part_of);
    if (e == OK)
        e = compile_leads_all(s);
    if (e == OK)
        e = compile_sets_all(s, in, report);
    if (e == OK && report_has_faults(report))
        return ERR_INVALID;
    return e == OK && !snapshot_warm(s) ? ERR_NOMEM : e;
}

enum err policy_compile(const struct compile_input *in, struct report *report,
                        struct snapshot **out)
{
    report_init(report);
    struct model *model = NULL;
    enum err e = model_parse(in->document, report, &model);
    if (e != OK)
        return e;
    struct snapshot *s = snapshot_alloc();
    if (!s) {
        model_free(model);
        return ERR_NOMEM;
    }
    atomic_init(&s->n_refs, 1);
    s->version = in->version;
    s->model = model;
    s->index = in->index ? category_index_ref(in->index) : NULL;
    e = build(s, in, report);
    if (e != OK)
        snapshot_unref(s);
    else
        *out = s;
    return e;
}
