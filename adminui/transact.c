/* transact: begin, handler, audit row, commit. A refused change leaves a row too. */
#include "adminui/transact.h"

#include <stdio.h>
#include <stdlib.h>

#include "adminui/desk.h"
#include "adminui/problem.h"
#include "adminui/reading.h"
#include "base/diag.h"
#include "db/audit_rows.h"

static bool is_good(const struct call *c)
{
    return c->reply.status && c->reply.status < 400;
}

enum err transact_audit(struct call *c)
{
    char action[128];
    uint64_t id;
    char *before = c->audit_before ? json_dumps(c->audit_before, JSON_COMPACT) : NULL;
    char *after = c->audit_after ? json_dumps(c->audit_after, JSON_COMPACT) : NULL;
    snprintf(action, sizeof action, "%s %s", c->route->method, c->route->pattern);
    struct audit_row row = {.at_ms = clock_wall_ms(&c->app->clock),
                            .actor = str_of(c->caller.name),
                            .via = str_of(via_name(c->caller.via)),
                            .from = str_of(c->address),
                            .action = str_of(action),
                            .object = str_of(c->audit_object),
                            .before = str_of(before),
                            .after = str_of(after),
                            .result = str_of(c->reply.slug ? c->reply.slug : "ok"),
                            .request_id = str_of(c->request_id)};
    enum err e = audit_rows_add(c->desk->store, &row, &id);
    free(before);
    free(after);
    return e;
}

/* Sliding end of sessions and "last used" of tokens; a failure here is no reason to refuse. */
static void note_use(struct call *c)
{
    int64_t now = clock_wall_ms(&c->app->clock);
    enum err e = OK;
    if (!c->caller.is_use_due)
        return;
    if (c->caller.via == VIA_SESSION)
        e = admin_rows_session_seen(c->desk->store, str_make(c->caller.hash, sizeof c->caller.hash),
                                    now);
    else if (c->caller.via == VIA_TOKEN)
        e = admin_rows_token_used(c->desk->store, str_of(c->caller.token_id), now,
                                  str_of(c->address));
    if (e != OK)
        diag(DIAG_WARN, "access", "use of a session was not noted", "why",
             store_why(c->desk->store), NULL);
}

enum err transact_note(struct call *c)
{
    struct store *s = c->desk->store;
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = transact_audit(c);
    return store_end(s, e);
}

static void audit_refusal(struct call *c)
{
    if (transact_note(c) != OK)
        diag(DIAG_WARN, "audit", "a refused change was not written down", "why",
             store_why(c->desk->store), NULL);
}

void transact_change(struct call *c, void (*run)(struct call *c), void (*after)(struct call *c))
{
    struct store *s = c->desk->store;
    enum err e = store_begin(s);
    if (e != OK) {
        problem_reply_err(c, e, "change");
        return;
    }
    run(c);
    if (!is_good(c)) {
        store_rollback(s);
        audit_refusal(c);
        return;
    }
    e = transact_audit(c);
    e = store_end(s, e);
    if (e != OK) {
        diag(DIAG_ERROR, "store", "a change was not stored", "why", store_why(s), NULL);
        problem_reply_err(c, e, "change");
        return;
    }
    if (after)
        after(c);
}

/* Records of people are handed out only when it is written down who reads them. */
static void run_reading(struct call *c)
{
    c->route->run(c);
    if (c->route->permission == PERMISSION_LOG && is_good(c) &&
        reading_is_new(c->app->readings, c) && transact_note(c) != OK) {
        diag(DIAG_ERROR, "audit", "who reads records cannot be written down", "why",
             store_why(c->desk->store), NULL);
        problem_reply_err(c, ERR_FULL, "audit trail");
    }
}

void transact_run(struct call *c)
{
    note_use(c);
    if (c->body.n && !call_parse_json(c))
        return;
    if (c->route->is_change)
        transact_change(c, c->route->run, c->route->after);
    else
        run_reading(c);
    if (!c->reply.status)
        problem_reply(c, PROBLEM_INTERNAL, "The call gave no answer.");
}
