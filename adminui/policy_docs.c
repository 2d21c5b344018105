/* policy_docs: a saved draft is compact text with its members in the order they came. */
#include "adminui/policy_docs.h"

#include <stdio.h>
#include <stdlib.h>

#include "adminui/desk.h"
#include "adminui/policy_hold.h"
#include "adminui/policy_secret.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "adminui/upstream_names.h"
#include "db/change_rows.h"
#include "policies/explain.h"
#include "policies/lint.h"

/* Texts may be laid out differently and still say the same. */
static bool is_same(struct str a, struct str b)
{
    if (str_eq(a, b))
        return true;
    json_t *x = json_loadb(a.n ? a.p : "", a.n, 0, NULL);
    json_t *y = json_loadb(b.n ? b.p : "", b.n, 0, NULL);
    bool same = x && y && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

bool policy_docs_draft(struct call *c, struct policy_docs_draft *out)
{
    struct store *s = c->desk->store;
    struct policy_version live = {0};
    *out = (struct policy_docs_draft){0};
    enum err e = policy_rows_live(s, &c->arena, &live);
    if (e == OK || e == ERR_NOT_FOUND)
        e = policy_rows_draft(s, &c->arena, &out->draft);
    if (e == ERR_NOT_FOUND) {
        out->draft = (struct policy_draft){.document = live.document, .base_version = live.version};
        e = live.document.n ? OK : ERR_NOT_FOUND;
    }
    if (e != OK) {
        problem_reply_err(c, e, "draft");
        return false;
    }
    out->live = live.document;
    out->live_version = live.version;
    out->is_changed = !is_same(out->draft.document, live.document);
    call_etag(out->etag, "d", out->draft.revision);
    return true;
}

/* The document as it may rest: without plain passwords. False: the problem is answered. */
static bool seal(struct call *c, json_t *document, json_t **out)
{
    struct report r;
    report_init(&r);
    enum err e = policy_secret_seal(document, &r, out);
    if (e == ERR_INVALID)
        problem_reply_report(c, &r, false);
    else if (e != OK)
        problem_reply_err(c, e, "draft");
    report_fini(&r);
    return e == OK;
}

json_t *policy_docs_shown(const struct call *c, json_t *take_tree)
{
    if (role_may(c->caller.role, PERMISSION_EDIT) || policy_secret_hide(take_tree) == OK)
        return take_tree;
    json_decref(take_tree);
    return NULL;
}

bool policy_docs_save(struct call *c, json_t *document, uint64_t expected, uint64_t *revision)
{
    json_t *sealed;
    if (!seal(c, document, &sealed))
        return false;
    char *text = json_dumps(sealed, JSON_COMPACT);
    json_decref(sealed);
    struct policy_draft d = {.document = str_of(text),
                             .author = str_of(c->caller.name),
                             .at_ms = clock_wall_ms(&c->app->clock)};
    enum err e = text ? policy_rows_put_draft(c->desk->store, &d, expected, revision) : ERR_NOMEM;
    free(text);
    if (e == OK)
        return true;
    problem_reply_err(c, e, "draft");
    return false;
}

static bool numbered(struct call *c, struct str name, struct policy_ask *ask)
{
    struct policy_version v;
    uint64_t n;
    enum err e = str_to_u64(name, INT64_MAX, &n);
    if (e != OK) {
        problem_reply(c, PROBLEM_INVALID,
                      "A policy is \"live\", \"draft\", a number, or pending: and the "
                      "number of a change.");
        return false;
    }
    e = policy_rows_version(c->desk->store, &c->arena, n, &v);
    if (e != OK) {
        problem_reply_err(c, e, "policy version");
        return false;
    }
    *ask = (struct policy_ask){.document = v.document, .version = n};
    return true;
}

struct str policy_docs_take_name(struct call *c)
{
    const json_t *policy = json_object_get(c->json, "policy");
    struct str name = STR("?");
    struct buf b;
    buf_init(&b, 300);
    if (json_is_string(policy))
        buf_add(&b, str_sub(str_of(json_string_value(policy)), 0, 200));
    else if (json_is_integer(policy) && json_integer_value(policy) > 0)
        buf_add_u64(&b, (uint64_t)json_integer_value(policy));
    else if (!policy || json_is_null(policy))
        buf_add_z(&b, "live");
    if (b.n)
        name = arena_str(&c->arena, buf_str(&b));
    buf_fini(&b);
    json_object_del(c->json, "policy");
    return name;
}

/* "pending:7": the document of a change on its way, or the version it has become. */
static bool pending(struct call *c, struct str id, struct policy_ask *ask)
{
    struct change x = {0};
    struct policy_version v;
    uint64_t n;
    enum err e = str_to_u64(id, INT64_MAX, &n) == OK ? OK : ERR_NOT_FOUND;
    if (e == OK)
        e = change_rows_get(c->desk->store, &c->arena, n, &x);
    if (e == OK && x.kind == CHANGE_SETTINGS)
        e = ERR_NOT_FOUND;
    if (e == OK && x.version) {
        e = policy_rows_version(c->desk->store, &c->arena, x.version, &v);
        x.document = e == OK ? v.document : x.document;
    }
    if (e == OK && !x.document.n)
        e = ERR_NOT_FOUND; /* it ended without having been published */
    if (e != OK) {
        problem_reply_err(c, e, "change");
        return false;
    }
    *ask = (struct policy_ask){.document = x.document, .version = x.version};
    return true;
}

bool policy_docs_named(struct call *c, struct str name, struct policy_ask *ask)
{
    struct policy_docs_draft d;
    if (str_starts(name, STR("pending:")))
        return pending(c, str_sub(name, 8, name.n), ask);
    if (!str_eq(name, STR("live")) && !str_eq(name, STR("draft")))
        return numbered(c, name, ask);
    if (!policy_docs_draft(c, &d))
        return false;
    if (str_eq(name, STR("live"))) {
        if (!d.live_version) {
            problem_reply(c, PROBLEM_NOT_FOUND, "Nothing was published yet.");
            return false;
        }
        *ask = (struct policy_ask){.document = d.live, .version = d.live_version};
    } else {
        *ask = (struct policy_ask){.document = d.draft.document, .revision = d.draft.revision};
    }
    return true;
}

enum err policy_docs_judge(struct app *app, const struct policy_ask *ask, enum policy_docs_fit *fit,
                           json_t **report)
{
    struct report r;
    struct snapshot *s = NULL;
    enum err e = policy_hold_get(app->policies, ask, &r, &s);
    if (e != OK && e != ERR_INVALID) {
        report_fini(&r);
        return e;
    }
    bool all_passed = true;
    json_t *tests = s ? explain_tests(s, clock_wall_ms(&app->clock), &all_passed) : json_array();
    if (s)
        lint_warn(s, clock_wall_ms(&app->clock), &r);
    *fit = !s ? POLICY_DOCS_FAULTY : all_passed ? POLICY_DOCS_GOOD : POLICY_DOCS_TEST_FAILS;
    *report = json_pack("{s:b,s:o,s:o,s:o}", "ok", *fit == POLICY_DOCS_GOOD, "errors",
                        problem_faults_json(r.faults, r.n_faults), "warnings",
                        problem_faults_json(r.warnings, r.n_warnings), "tests", tests);
    snapshot_unref(s);
    report_fini(&r);
    return *report ? OK : ERR_NOMEM;
}

json_t *policy_docs_report(struct call *c, const struct policy_ask *ask, bool *is_good)
{
    enum policy_docs_fit fit;
    json_t *report = NULL;
    enum err e = policy_docs_judge(c->app, ask, &fit, &report);
    if (e != OK) {
        problem_reply_err(c, e, "policy");
        return NULL;
    }
    upstream_names_warn(c, ask->document, json_object_get(report, "warnings"));
    *is_good = fit == POLICY_DOCS_GOOD;
    return report;
}

static void add_failed_tests(struct report *r, const json_t *report)
{
    char pointer[40];
    size_t i;
    const json_t *t;
    json_array_foreach(json_object_get(report, "tests"), i, t)
    {
        if (json_is_true(json_object_get(t, "passed")))
            continue;
        snprintf(pointer, sizeof pointer, "/tests/%zu", i);
        report_fault(r, pointer, "test-failed", "%s",
                     json_string_value(json_object_get(t, "message")));
    }
}

void policy_docs_refuse(struct call *c, const json_t *report)
{
    struct report r;
    size_t i;
    const json_t *f;
    report_init(&r);
    json_array_foreach(json_object_get(report, "errors"), i, f)
    {
        report_fault(&r, json_string_value(json_object_get(f, "pointer")),
                     json_string_value(json_object_get(f, "code")), "%s",
                     json_string_value(json_object_get(f, "message")));
    }
    add_failed_tests(&r, report);
    problem_reply_report(c, &r, false);
    report_fini(&r);
}

void policy_docs_reply_saved(struct call *c)
{
    struct policy_docs_draft d;
    bool is_good;
    if (!policy_docs_draft(c, &d))
        return;
    struct policy_ask ask = {.document = d.draft.document, .revision = d.draft.revision};
    json_t *report = policy_docs_report(c, &ask, &is_good);
    if (!report)
        return;
    snprintf(c->reply.etag, sizeof c->reply.etag, "%s", d.etag);
    reply_json(
        c, 200,
        json_pack("{s:s,s:b,s:o}", "etag", d.etag, "changed", (int)d.is_changed, "report", report));
}

uint32_t policy_docs_rules(struct str document)
{
    json_t *j = json_loadb(document.n ? document.p : "", document.n, 0, NULL);
    uint32_t n = (uint32_t)json_array_size(json_object_get(j, "rules"));
    json_decref(j);
    return n;
}
