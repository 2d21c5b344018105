/* api_versions: handlers over policy_rows. */
#include "adminui/api_versions.h"

#include "adminui/desk.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "policies/diff.h"

static json_t *version_json(const struct policy_version *v)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:b,s:i,s:o}", "version", reply_u64(v->version),
                     "published_at", reply_time(v->at_ms), "published_by", reply_str(v->author),
                     "comment", reply_str(v->comment), "is_live", (int)v->is_live, "n_rules",
                     (int)v->n_rules, "rolled_back_from",
                     v->rolled_back_from ? reply_u64(v->rolled_back_from) : json_null());
}

static void reply_full(struct call *c, const struct policy_version *v)
{
    char tag[64];
    call_etag(tag, "v", v->version * 2 + v->is_live);
    if (call_not_modified(c, tag))
        return;
    json_t *j = version_json(v);
    json_object_set_new(j, "document", json_loadb(v->document.p, v->document.n, 0, NULL));
    reply_json(c, 200, policy_docs_shown(c, j));
}

void api_versions_live(struct call *c)
{
    struct policy_version v;
    enum err e = policy_rows_live(c->desk->store, &c->arena, &v);
    if (e != OK)
        problem_reply_err(c, e, "live policy");
    else
        reply_full(c, &v);
}

void api_versions_get(struct call *c)
{
    struct policy_version v;
    uint64_t n;
    enum err e = str_to_u64(c->params[0], INT64_MAX, &n) == OK ? OK : ERR_NOT_FOUND;
    if (e == OK)
        e = policy_rows_version(c->desk->store, &c->arena, n, &v);
    if (e != OK)
        problem_reply_err(c, e, "policy version");
    else
        reply_full(c, &v);
}

void api_versions_list(struct call *c)
{
    uint64_t limit = 100, before = 0;
    if (!call_query_number(c, "limit", 1000, &limit) || !call_query_cursor(c, &before))
        return;
    size_t n = (size_t)limit + 1;
    struct policy_version *rows = arena_alloc(&c->arena, n * sizeof *rows);
    enum err e =
        rows ? policy_rows_versions(c->desk->store, &c->arena, before, rows, &n) : ERR_NOMEM;
    if (e != OK) {
        problem_reply_err(c, e, "list of versions");
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n && i < limit; i++)
        json_array_append_new(all, version_json(&rows[i]));
    reply_page(c, all, n > limit ? reply_cursor(rows[limit - 1].version) : NULL);
}

/* --- diff --------------------------------------------------------------------------------------
 */

void api_versions_diff(struct call *c)
{
    struct str from = call_query(c, "from", STR("live")), to = call_query(c, "to", STR("draft"));
    struct policy_ask a, b;
    json_t *changes = NULL;
    if (!policy_docs_named(c, from, &a) || !policy_docs_named(c, to, &b))
        return;
    enum err e = policy_diff(a.document, b.document, &changes);
    if (e != OK)
        problem_reply_err(c, e, "policy");
    else
        reply_json(c, 200,
                   json_pack("{s:o,s:o,s:b,s:o}", "from", reply_str(from), "to", reply_str(to),
                             "same", json_array_size(changes) == 0, "changes",
                             policy_docs_shown(c, changes)));
}
