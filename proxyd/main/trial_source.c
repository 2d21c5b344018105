/* trial_source: row, document, scope. */
#include "proxyd/main/trial_source.h"

#include "db/change_rows.h"
#include "db/policy_rows.h"
#include "proxyd/main/compile_aside.h"
#include "proxyd/main/source.h"

void trial_source_fini(struct trial_source *t)
{
    snapshot_unref(t->policy);
    canary_unref(t->scope);
    *t = (struct trial_source){0};
}

static void tell(const struct trial_ask *ask, const struct report *r)
{
    for (size_t i = 0; i < r->n_faults; i++)
        source_problem(ask->problems, "canary", r->faults[i].pointer, r->faults[i].code,
                       r->faults[i].message);
}

static enum err compile(const struct trial_ask *ask, const struct policy_version *v,
                        struct snapshot **out)
{
    struct compile_input in = {
        .document = v->document, .version = v->version, .index = ask->index, .previous = ask->live};
    struct report r;
    enum err e = compile_aside(&in, &r, out);
    tell(ask, &r);
    report_fini(&r);
    return e;
}

static enum err read_scope(const struct trial_ask *ask, struct str text, struct canary **out)
{
    struct report r;
    report_init(&r);
    enum err e = canary_parse(text, &r, out);
    tell(ask, &r);
    report_fini(&r);
    return e;
}

static enum err take(struct trial_source *t, const struct trial_ask *ask, const struct change *c)
{
    struct policy_version v;
    struct trial_source made = {.version = c->version};
    enum err e = policy_rows_version(ask->store, ask->arena, c->version, &v);
    if (e != OK)
        return e;
    e = compile(ask, &v, &made.policy);
    if (e == OK)
        e = read_scope(ask, c->canary, &made.scope);
    if (e != OK)
        trial_source_fini(&made);
    trial_source_fini(t);
    *t = made;
    t->version = c->version;
    return e == ERR_INVALID ? OK : e;
}

enum err trial_source_load(struct trial_source *t, const struct trial_ask *ask)
{
    struct change c;
    enum err e = change_rows_canary(ask->store, ask->arena, &c);
    if (e == ERR_NOT_FOUND) {
        trial_source_fini(t);
        return OK;
    }
    if (e != OK || (c.version == t->version && !ask->is_new_index))
        return e;
    return take(t, ask, &c);
}
