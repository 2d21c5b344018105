/* api_replay: which policy and which time; the work is a job's. */
#include "adminui/api_replay.h"

#include <stdlib.h>

#include "adminui/app.h"
#include "adminui/fields.h"
#include "adminui/job_start.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/event_filter.h"

/* A time of the body, RFC 3339 or "now-24h". */
static bool read_time(struct call *c, const char *name, const char *otherwise, int64_t *out)
{
    struct str text = fields_str(c->json, name, str_of(otherwise));
    if (event_filter_time(text, clock_wall_ms(&c->app->clock), out) == OK)
        return true;
    problem_reply_fault(c, str_eq(str_of(name), STR("from")) ? "/from" : "/to", "bad-time",
                        "A time is RFC 3339 or relative, such as now-24h.");
    return false;
}

/* The policy itself in the body, for a document that is nowhere stored. */
static bool take_document(struct call *c, struct policy_ask *ask, struct str *name)
{
    json_t *document = json_object_get(c->json, "document");
    char *text = json_dumps(document, JSON_COMPACT);
    *name = STR("document");
    *ask = (struct policy_ask){.document = arena_str(&c->arena, str_of(text))};
    free(text);
    if (ask->document.p)
        return true;
    problem_reply_err(c, ERR_NOMEM, "document");
    return false;
}

void api_replay_post(struct call *c)
{
    static const struct field fields[] = {{"from", FIELD_STR, false, false, 1, 64},
                                          {"to", FIELD_STR, false, false, 1, 64},
                                          {"document", FIELD_OBJECT, false, true, 0, 0}};
    struct policy_ask ask;
    struct str name = policy_docs_take_name(c);
    struct job_order order = {.kind = JOB_REPLAY, .dry_run = true};
    int64_t from_ms, to_ms;
    if (!fields_check(c, fields, 3) || !read_time(c, "from", "now-24h", &from_ms) ||
        !read_time(c, "to", "now", &to_ms))
        return;
    if (from_ms >= to_ms) {
        problem_reply_fault(c, "/to", "bad-time", "The time ends before it begins.");
        return;
    }
    if (fields_has(c->json, "document") ? !take_document(c, &ask, &name)
                                        : !policy_docs_named(c, name, &ask))
        return;
    order.take_ask =
        json_pack("{s:o,s:o,s:o,s:o,s:I,s:I}", "document", reply_str(ask.document), "version",
                  reply_u64(ask.version), "revision", reply_u64(ask.revision), "policy",
                  reply_str(name), "from_ms", (json_int_t)from_ms, "to_ms", (json_int_t)to_ms);
    job_start(c, &order);
}
