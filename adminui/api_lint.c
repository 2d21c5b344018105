/* api_lint: the draft compiled, the hits of its rules looked up, the rest is lint's. */
#include "adminui/api_lint.h"

#include "adminui/app.h"
#include "adminui/desk.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/event_report.h"
#include "policies/lint.h"

#define DAY_MS        ((int64_t)24 * 3600 * 1000)
#define IDLE_DAYS     30
#define IDLE_DAYS_MAX 3650
#define PAGE          50 /* versions looked at together */

/* The newest version that was published at or before a moment; ERR_NOT_FOUND. */
static enum err version_at(struct call *c, int64_t at_ms, struct policy_version *out)
{
    struct policy_version page[PAGE];
    uint64_t before = 0; /* from the newest */
    for (;;) {
        size_t n = PAGE;
        enum err e = policy_rows_versions(c->desk->store, &c->arena, before, page, &n);
        if (e != OK || n == 0)
            return e != OK ? e : ERR_NOT_FOUND;
        for (size_t i = 0; i < n; i++)
            if (page[i].at_ms <= at_ms)
                return policy_rows_version(c->desk->store, &c->arena, page[i].version, out);
        before = page[n - 1].version;
    }
}

/* The ids of the rules of a document. */
static enum err read_ids(struct call *c, struct str document, struct lint_input *in)
{
    json_t *root = json_loadb(document.p, document.n, 0, NULL);
    const json_t *rules = json_object_get(root, "rules"), *rule;
    size_t i;
    struct str *ids = arena_alloc(&c->arena, (json_array_size(rules) + 1) * sizeof *ids);
    json_array_foreach((json_t *)(uintptr_t)rules, i, rule)
    {
        const char *id = json_string_value(json_object_get(rule, "id"));
        if (ids && id)
            ids[in->n_old_rules++] = arena_str(&c->arena, str_of(id));
    }
    in->old_rules = ids;
    json_decref(root);
    return ids ? OK : ERR_NOMEM;
}

static enum err read_uses(struct call *c, struct lint_input *in)
{
    struct event_rule_uses uses = {0};
    struct event_span span = {.from_ms = in->now_ms - (2 * (int64_t)in->idle_days + 7) * DAY_MS,
                              .to_ms = in->now_ms};
    enum err e = event_report_rules(c->desk->events, &span, &c->arena, &uses);
    if (e != OK)
        return e;
    struct lint_use *rows = arena_alloc(&c->arena, (uses.n + 1) * sizeof *rows);
    if (!rows)
        return ERR_NOMEM;
    for (size_t i = 0; i < uses.n; i++)
        rows[i] = (struct lint_use){uses.rows[i].rule, uses.rows[i].hits, uses.rows[i].last_hit_ms};
    in->uses = rows;
    in->n_uses = uses.n;
    in->counted_from_ms = uses.counted_from_ms;
    return OK;
}

/* What is known of the past; without a past no rule is called idle. */
static enum err read_past(struct call *c, struct lint_input *in)
{
    struct policy_version old = {0};
    enum err e = version_at(c, in->now_ms - (int64_t)in->idle_days * DAY_MS, &old);
    if (e == ERR_NOT_FOUND)
        return OK;
    if (e == OK)
        e = read_ids(c, old.document, in);
    return e == OK ? read_uses(c, in) : e;
}

static void answer(struct call *c, const struct snapshot *s, const struct lint_input *in)
{
    json_t *out = lint_document(s, in);
    if (!out || json_object_set_new(out, "idle_days", json_integer(in->idle_days)) != 0 ||
        json_object_set_new(out, "counted_from",
                            in->counted_from_ms ? reply_time(in->counted_from_ms) : json_null())) {
        json_decref(out);
        problem_reply_err(c, ERR_NOMEM, "lint");
        return;
    }
    reply_json(c, 200, out);
}

void api_lint_draft(struct call *c)
{
    struct policy_ask ask = {0};
    struct report r;
    struct snapshot *s = NULL;
    uint64_t days = IDLE_DAYS;
    if (!call_query_number(c, "idle_days", IDLE_DAYS_MAX, &days) ||
        !policy_docs_named(c, STR("draft"), &ask))
        return;
    struct lint_input in = {.now_ms = clock_wall_ms(&c->app->clock), .idle_days = (unsigned)days};
    enum err e = policy_hold_get(c->app->policies, &ask, &r, &s);
    if (e == ERR_INVALID)
        problem_reply_report(c, &r, false);
    else if (e == OK)
        e = read_past(c, &in);
    if (e != OK && e != ERR_INVALID)
        problem_reply_err(c, e, "policy");
    else if (e == OK)
        answer(c, s, &in);
    snapshot_unref(s);
    report_fini(&r);
}
