/* api_sessions: handlers over admin_rows. */
#include "adminui/api_sessions.h"

#include <stdio.h>

#include "adminui/access.h"
#include "adminui/desk.h"
#include "adminui/problem.h"
#include "adminui/reply.h"

#define SESSIONS_MAX 1000
#define ID_CHARS     16

static bool may_all(const struct call *c)
{
    return role_may(c->caller.role, PERMISSION_ADMIN);
}

static struct str own_hash(const struct call *c)
{
    return c->caller.via == VIA_SESSION ? str_make(c->caller.hash, sizeof c->caller.hash)
                                        : (struct str){0};
}

/* The id of the caller's own session; "" without one. */
static void own_id(const struct call *c, char out[ID_CHARS + 1])
{
    out[0] = 0;
    for (size_t i = 0; own_hash(c).n && i < ID_CHARS / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", c->caller.hash[i]);
}

static json_t *session_json(const struct admin_session_row *x, struct str own)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "id", reply_str(x->id), "username",
                     reply_str(x->session.username), "from", reply_str(x->session.from),
                     "created_at", reply_time(x->session.created_ms), "last_used_at",
                     reply_time(x->session.seen_ms), "expires_at",
                     reply_time(x->session.expires_ms), "is_own", (int)str_eq(x->id, own));
}

void api_sessions_list(struct call *c)
{
    char own[ID_CHARS + 1];
    size_t n = SESSIONS_MAX;
    struct admin_session_row *items = arena_alloc(&c->arena, n * sizeof *items);
    struct admin_session_ask ask = {.username = may_all(c) ? call_query(c, "username", STR(""))
                                                           : str_of(c->caller.name),
                                    .now_ms = clock_wall_ms(&c->app->clock),
                                    .idle_ms = ACCESS_IDLE_MS};
    enum err e =
        items ? admin_rows_sessions(c->desk->store, &c->arena, &ask, items, &n) : ERR_NOMEM;
    if (e != OK) {
        problem_reply_err(c, e, "list of sessions");
        return;
    }
    own_id(c, own);
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, session_json(&items[i], str_of(own)));
    reply_page(c, all, NULL);
}

void api_sessions_revoke(struct call *c)
{
    struct str whose = may_all(c) ? STR("") : str_of(c->caller.name);
    enum err e = admin_rows_session_revoke(c->desk->store, c->params[0], whose);
    call_audit(c, c->params[0], NULL, NULL);
    if (e != OK)
        problem_reply_err(c, e, "session");
    else
        reply_empty(c, 204);
}

void api_sessions_revoke_all(struct call *c)
{
    struct str whose = call_query(c, "username", str_of(c->caller.name));
    call_audit(c, whose, NULL, NULL);
    if (!may_all(c) && !str_eq_nocase(whose, str_of(c->caller.name))) {
        problem_reply(c, PROBLEM_FORBIDDEN, "Only an admin ends other people's sessions.");
        return;
    }
    enum err e = admin_rows_sessions_end(c->desk->store, whose, own_hash(c));
    if (e != OK)
        problem_reply_err(c, e, "sessions");
    else
        reply_empty(c, 204);
}
