/* api_audit: handlers over audit_rows. */
#include "adminui/api_audit.h"

#include "adminui/desk.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/audit_rows.h"

static json_t *tree(struct str text)
{
    json_t *j = text.n ? json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL) : NULL;
    return j ? j : json_null();
}

static json_t *row_json(const struct audit_row *r)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id", reply_u64(r->id),
                     "time", reply_time(r->at_ms), "actor", reply_str(r->actor), "via",
                     reply_str(r->via), "from", reply_str(r->from), "action", reply_str(r->action),
                     "object", reply_str(r->object), "before", tree(r->before), "after",
                     tree(r->after), "result", reply_str(r->result), "request_id",
                     reply_str(r->request_id));
}

void api_audit_list(struct call *c)
{
    uint64_t limit = 100;
    struct audit_page page = {.actor = call_query(c, "actor", (struct str){0}),
                              .action = call_query(c, "action", (struct str){0})};
    if (!call_query_number(c, "limit", 1000, &limit) ||
        !call_query_time(c, "from", &page.from_ms) || !call_query_time(c, "to", &page.to_ms) ||
        !call_query_cursor(c, &page.before))
        return;
    size_t n = (size_t)limit + 1;
    struct audit_row *rows = arena_alloc(&c->arena, n * sizeof *rows);
    enum err e = rows ? audit_rows_list(c->desk->store, &c->arena, &page, rows, &n) : ERR_NOMEM;
    if (e != OK) {
        problem_reply_err(c, e, "audit trail");
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n && i < limit; i++)
        json_array_append_new(all, row_json(&rows[i]));
    reply_page(c, all, n > limit ? reply_cursor(rows[limit - 1].id) : NULL);
}

void api_audit_verify(struct call *c)
{
    uint64_t n, first_bad;
    enum err e = audit_rows_verify(c->desk->store, &n, &first_bad);
    if (e != OK)
        problem_reply_err(c, e, "audit trail");
    else
        reply_json(c, 200,
                   json_pack("{s:b,s:o,s:o}", "ok", first_bad == 0, "rows", reply_u64(n),
                             "first_bad", first_bad ? reply_u64(first_bad) : json_null()));
}
