/* lint_list: findings kept, sorted and named. */
#include "policies/lint_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "policies/lint.h"

#define TEXT_MAX 600

static bool make_room(struct lint_list *l)
{
    if (l->n >= LINT_FINDINGS_MAX) {
        l->is_cut = true;
        return false;
    }
    if (l->n < l->cap)
        return true;
    size_t cap = l->cap ? l->cap * 2 : 32;
    struct lint_finding *v = realloc(l->v, cap * sizeof *v);
    if (!v) {
        l->failed = true;
        return false;
    }
    l->v = v;
    l->cap = cap;
    return true;
}

void lint_list_add(struct lint_list *l, enum lint_kind kind, const struct lint_place *at,
                   const char *format, ...)
{
    char text[TEXT_MAX], pointer[160] = "";
    va_list args;
    if (!make_room(l))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (at->rule >= 0)
        snprintf(pointer, sizeof pointer, "/rules/%d%s", at->rule, at->pointer ? at->pointer : "");
    else if (at->pointer)
        snprintf(pointer, sizeof pointer, "%s", at->pointer);
    struct lint_finding f = {.kind = kind,
                             .rule = at->rule,
                             .other = at->other,
                             .pointer = pointer[0] ? str_dup(str_of(pointer)) : NULL,
                             .text = str_dup(str_of(text))};
    if (!f.text || (pointer[0] && !f.pointer))
        l->failed = true;
    l->v[l->n++] = f;
}

void lint_list_fini(struct lint_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].pointer);
        free(l->v[i].text);
    }
    free(l->v);
    *l = (struct lint_list){0};
}

static int by_rule(const void *pa, const void *pb)
{
    const struct lint_finding *a = pa, *b = pb;
    unsigned x = (unsigned)a->rule, y = (unsigned)b->rule; /* -1 is the last */
    if (x != y)
        return x < y ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return a->other < b->other ? -1 : a->other > b->other;
}

void lint_list_sort(struct lint_list *l)
{
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_rule);
}

const char *lint_kind_name(enum lint_kind k)
{
    static const char *const names[LINT_N_KINDS] = {
        "never",       "expired",         "unknown-category", "shadowed", "duplicate",
        "redundant",   "conflict",        "empty-list",       "idle",     "untested",
        "unused-list", "unused-schedule", "no-tests"};
    return names[k];
}

const char *lint_kind_severity(enum lint_kind k)
{
    static const char *const words[LINT_N_KINDS] = {
        "error",   "warning", "warning", "error", "warning", "hint", "warning",
        "warning", "hint",    "hint",    "hint",  "hint",    "hint"};
    return words[k];
}

const char *lint_name(const struct model_rule *r, char buf[LINT_NAME_MAX])
{
    struct str name = r->name.n ? r->name : r->id;
    snprintf(buf, LINT_NAME_MAX, "\"%.*s\"", STR_ARG(str_sub(name, 0, 80)));
    return buf;
}
