/* api_policy: handlers. A change is committed by transact; what proxyd has to learn comes after. */
#include "adminui/api_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"

void api_policy_draft(struct call *c)
{
    struct policy_docs_draft d;
    if (!policy_docs_draft(c, &d) || call_not_modified(c, d.etag))
        return;
    struct str text = d.draft.document;
    if (role_may(c->caller.role, PERMISSION_EDIT))
        reply_json_text(c, 200, text);
    else
        reply_json(c, 200, policy_docs_shown(c, json_loadb(text.p, text.n, 0, NULL)));
}

void api_policy_put(struct call *c)
{
    struct policy_docs_draft d;
    uint64_t revision;
    if (!policy_docs_draft(c, &d) || !call_if_match(c, d.etag) ||
        !policy_docs_save(c, c->json, d.draft.revision, &revision))
        return;
    call_audit(c, STR("draft"), NULL, json_pack("{s:I}", "revision", (json_int_t)revision));
    policy_docs_reply_saved(c);
}

void api_policy_validate(struct call *c)
{
    struct policy_ask ask = {0};
    bool is_good;
    if (c->json)
        ask.document = buf_str(&c->body);
    else if (!policy_docs_named(c, STR("draft"), &ask))
        return;
    json_t *report = policy_docs_report(c, &ask, &is_good);
    if (report)
        reply_json(c, 200, report);
}

void api_policy_discard(struct call *c)
{
    struct policy_docs_draft d;
    uint64_t revision;
    if (!policy_docs_draft(c, &d) || !call_if_match(c, d.etag))
        return;
    struct policy_draft copy = {.document = d.live,
                                .author = str_of(c->caller.name),
                                .at_ms = clock_wall_ms(&c->app->clock)};
    enum err e = policy_rows_put_draft(c->desk->store, &copy, d.draft.revision, &revision);
    if (e != OK) {
        problem_reply_err(c, e, "draft");
        return;
    }
    call_audit(c, STR("draft"), NULL, NULL);
    policy_docs_reply_saved(c);
}

/* --- moving a rule -----------------------------------------------------------------------------
 */

static bool find_rule(const json_t *rules, struct str id, size_t *at)
{
    size_t i;
    const json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        if (str_eq(fields_str(rule, "id", (struct str){0}), id)) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* Where the rule goes, counted without itself. False: the problem is answered. */
static bool move_target(struct call *c, const json_t *rules, size_t *to)
{
    struct str before = fields_str(c->json, "before", (struct str){0});
    struct str after = fields_str(c->json, "after", (struct str){0});
    int64_t position = fields_int(c->json, "position", -1);
    if ((before.n > 0) + (after.n > 0) + (position >= 0) != 1) {
        problem_reply_fault(c, "", "one-of", "Give exactly one of before, after and position.");
        return false;
    }
    if (position >= 0) {
        size_t n = json_array_size(rules);
        *to = (size_t)position < n ? (size_t)position : n;
        return true;
    }
    if (!find_rule(rules, before.n ? before : after, to)) {
        problem_reply_fault(c, before.n ? "/before" : "/after", "unknown-rule",
                            "The draft has no other rule with this id.");
        return false;
    }
    *to += after.n > 0;
    return true;
}

static bool move_in(struct call *c, json_t *document)
{
    json_t *rules = json_object_get(document, "rules");
    size_t from, to;
    if (!find_rule(rules, fields_str(c->json, "id", (struct str){0}), &from)) {
        problem_reply_fault(c, "/id", "unknown-rule", "The draft has no rule with this id.");
        return false;
    }
    json_t *rule = json_incref(json_array_get(rules, from));
    json_array_remove(rules, from);
    bool good = move_target(c, rules, &to);
    if (good)
        json_array_insert(rules, to, rule);
    json_decref(rule);
    return good;
}

void api_policy_move(struct call *c)
{
    static const struct field fields[] = {{"id", FIELD_STR, true, false, 1, 256},
                                          {"before", FIELD_STR, false, false, 1, 256},
                                          {"after", FIELD_STR, false, false, 1, 256},
                                          {"position", FIELD_INT, false, false, 0, 1000000}};
    struct policy_docs_draft d;
    uint64_t revision;
    if (!fields_check(c, fields, 4) || !policy_docs_draft(c, &d) || !call_if_match(c, d.etag))
        return;
    json_t *document = json_loadb(d.draft.document.p, d.draft.document.n, 0, NULL);
    if (move_in(c, document) && policy_docs_save(c, document, d.draft.revision, &revision)) {
        call_audit(c, STR("draft"), NULL, json_incref(c->json));
        policy_docs_reply_saved(c);
    }
    json_decref(document);
}
