/* api_tokens: handlers. A token is pfx_ID_SECRET, both parts random. */
#include "adminui/api_tokens.h"

#include <stdio.h>

#include "adminui/access.h"
#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "base/secret.h"
#include "db/event_filter.h"

#define TOKENS_MAX   1000
#define DAY_MS       ((int64_t)24 * 3600 * 1000)
#define ID_BYTES     8
#define SECRET_BYTES 32

static json_t *token_json(const struct admin_token *t)
{
    return json_pack("{s:o,s:o,s:[s],s:o,s:o,s:o,s:o,s:o}", "id", reply_str(t->id), "name",
                     reply_str(t->name), "scopes", admin_role_name(t->role), "created_by",
                     reply_str(t->created_by), "created_at", reply_time(t->created_ms),
                     "expires_at", reply_time(t->expires_ms), "last_used_at",
                     reply_time(t->last_used_ms), "last_used_from",
                     t->last_used_from.n ? reply_str(t->last_used_from) : json_null());
}

void api_tokens_list(struct call *c)
{
    size_t n = TOKENS_MAX;
    struct admin_token *items = arena_alloc(&c->arena, n * sizeof *items);
    enum err e = items ? admin_rows_tokens(c->desk->store, &c->arena, items, &n) : ERR_NOMEM;
    if (e != OK) {
        problem_reply_err(c, e, "list of tokens");
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, token_json(&items[i]));
    reply_json(c, 200, json_pack("{s:o}", "items", all));
}

/* One role, at most the maker's; an end within a year. */
static bool read_limits(struct call *c, struct admin_token *t)
{
    const json_t *scopes = json_object_get(c->json, "scopes");
    const json_t *first = json_array_get(scopes, 0);
    struct str role = str_of(json_string_value(first));
    struct str until = fields_str(c->json, "expires_at", (struct str){0});
    if (json_array_size(scopes) != 1 || !admin_role_from_name(role, &t->role)) {
        problem_reply_fault(c, "/scopes", "unknown-scope",
                            "Give one of viewer, auditor, editor and admin.");
        return false;
    }
    t->expires_ms = t->created_ms + 90 * DAY_MS;
    if (until.n && event_filter_time(until, t->created_ms, &t->expires_ms) != OK) {
        problem_reply_fault(c, "/expires_at", "bad-time", "expires_at is an RFC 3339 time.");
        return false;
    }
    if (t->expires_ms <= t->created_ms || t->expires_ms > t->created_ms + 366 * DAY_MS) {
        problem_reply_fault(c, "/expires_at", "out-of-range",
                            "A token ends in the future, and within a year.");
        return false;
    }
    return true;
}

static enum err add_token(struct call *c, struct admin_token *t, const char *secret)
{
    unsigned char hash[ADMIN_HASH_BYTES];
    access_hash(str_of(secret), hash);
    t->hash = str_make(hash, sizeof hash);
    return admin_rows_token_add(c->desk->store, t);
}

void api_tokens_create(struct call *c)
{
    static const struct field fields[] = {{"name", FIELD_STR, true, false, 1, 100},
                                          {"scopes", FIELD_NAMES, true, false, 1, 4},
                                          {"expires_at", FIELD_STR, false, false, 1, 40}};
    char id[2 * ID_BYTES + 1], secret[2 * SECRET_BYTES + 1], full[160];
    struct admin_token t = {.created_by = str_of(c->caller.person),
                            .created_ms = clock_wall_ms(&c->app->clock)};
    if (!fields_check(c, fields, 3) || !read_limits(c, &t))
        return;
    enum err e = secret_random_hex(id, ID_BYTES);
    if (e == OK)
        e = secret_random_hex(secret, SECRET_BYTES);
    t.id = str_of(id);
    t.name = fields_str(c->json, "name", (struct str){0});
    if (e == OK)
        e = add_token(c, &t, secret);
    if (e != OK) {
        problem_reply_err(c, e, "token");
        return;
    }
    call_audit(c, t.id, NULL, token_json(&t));
    snprintf(full, sizeof full, ACCESS_TOKEN "%s_%s", id, secret);
    reply_json(c, 201,
               json_pack("{s:s,s:s,s:o}", "id", id, "token", full, "expires_at",
                         reply_time(t.expires_ms)));
    reply_location(c, "/tokens/", str_of(id));
    secret_wipe(full, sizeof full);
    secret_wipe(secret, sizeof secret);
}

void api_tokens_delete(struct call *c)
{
    enum err e = admin_rows_token_delete(c->desk->store, c->params[0]);
    call_audit(c, c->params[0], NULL, NULL);
    if (e != OK)
        problem_reply_err(c, e, "token");
    else
        reply_empty(c, 204);
}
