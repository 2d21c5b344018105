/* api_users: handlers over identity_rows. */
#include "adminui/api_users.h"

#include <string.h>

#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"
#include "base/password.h"
#include "db/identity_rows.h"

#define PAGE_MAX 1000

bool api_users_is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f || s.p[i] == ':' || s.p[i] == '/')
            return false;
    return s.n > 0 && s.n <= 128;
}

static json_t *user_json(const struct identity_user *u)
{
    return json_pack("{s:o,s:o,s:o,s:b,s:o,s:o}", "username", reply_str(u->name), "groups",
                     fields_names_json(u->groups), "comment", reply_str(u->comment), "enabled",
                     (int)u->enabled, "created_at", reply_time(u->created_ms), "updated_at",
                     reply_time(u->updated_ms));
}

void api_users_list(struct call *c)
{
    uint64_t limit = 100;
    if (!call_query_number(c, "limit", PAGE_MAX, &limit))
        return;
    struct identity_page page = {.query = call_query(c, "q", (struct str){0}),
                                 .after = call_query(c, "cursor", (struct str){0})};
    size_t n = (size_t)limit + 1;
    struct identity_user *items = arena_alloc(&c->arena, n * sizeof *items);
    enum err e =
        items ? identity_rows_list(c->desk->store, &c->arena, &page, items, &n) : ERR_NOMEM;
    if (e != OK) {
        problem_reply_err(c, e, "list of users");
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n && i < limit; i++)
        json_array_append_new(all, user_json(&items[i]));
    reply_page(c, all, n > limit ? reply_str(items[limit - 1].name) : NULL);
}

/* One user with its ETag; status 200 or 201. */
static void reply_user(struct call *c, struct str name, unsigned status)
{
    struct identity_user u;
    enum err e = identity_rows_get(c->desk->store, &c->arena, name, &u);
    if (e != OK) {
        problem_reply_err(c, e, "user");
        return;
    }
    call_etag(c->reply.etag, "u", u.revision);
    reply_json(c, status, user_json(&u));
}

enum err api_users_add(struct call *c, json_t *user)
{
    char hash[PASSWORD_HASH_BYTES];
    struct str groups = {0};
    json_t *body = c->json;
    c->json = user; /* fields_names reads there */
    enum err e = fields_names(c, "groups", &groups);
    c->json = body;
    struct identity_user u = {.name = fields_str(user, "username", (struct str){0}),
                              .groups = groups,
                              .comment = fields_str(user, "comment", (struct str){0}),
                              .enabled = fields_bool(user, "enabled", true),
                              .updated_ms = clock_wall_ms(&c->app->clock)};
    if (e == OK && !api_users_is_name(u.name))
        e = ERR_INVALID;
    if (e == OK)
        e = password_hash(fields_str(user, "password", (struct str){0}), hash);
    u.hash = str_of(hash);
    return e == OK ? identity_rows_create(c->desk->store, &u) : e;
}

void api_users_create(struct call *c)
{
    static const struct field fields[] = {{"username", FIELD_STR, true, false, 1, 128},
                                          {"password", FIELD_STR, true, false, 1, PASSWORD_MAX},
                                          {"groups", FIELD_NAMES, false, false, 0, 1000},
                                          {"comment", FIELD_STR, false, false, 0, 2000},
                                          {"enabled", FIELD_BOOL, false, false, 0, 0}};
    if (!fields_check(c, fields, 5))
        return;
    struct str name = fields_str(c->json, "username", (struct str){0});
    enum err e = api_users_add(c, c->json);
    if (e == ERR_INVALID) {
        problem_reply_fault(c, "/username", "bad-name",
                            "A name has no colon, slash or control byte, a group no line end.");
    } else if (e != OK) {
        problem_reply_err(c, e, "user");
    } else {
        call_audit(c, name, NULL, NULL);
        reply_user(c, name, 201);
        reply_location(c, "/users/", name);
    }
}

void api_users_get(struct call *c)
{
    reply_user(c, c->params[0], 200);
    if (!c->reply.slug)
        (void)call_not_modified(c, c->reply.etag);
}

/* The stored user, with If-Match checked. */
static bool current_user(struct call *c, struct identity_user *u)
{
    char tag[64];
    enum err e = identity_rows_get(c->desk->store, &c->arena, c->params[0], u);
    if (e != OK) {
        problem_reply_err(c, e, "user");
        return false;
    }
    call_etag(tag, "u", u->revision);
    return call_if_match(c, tag);
}

/* Hash of a new password, or an empty view: keep. */
static enum err new_hash(struct call *c, char hash[PASSWORD_HASH_BYTES], struct str *out)
{
    *out = (struct str){0};
    if (!fields_has(c->json, "password"))
        return OK;
    enum err e = password_hash(fields_str(c->json, "password", (struct str){0}), hash);
    *out = str_of(hash);
    return e;
}

void api_users_put(struct call *c)
{
    static const struct field fields[] = {{"username", FIELD_STR, false, false, 1, 128},
                                          {"password", FIELD_STR, false, true, 1, PASSWORD_MAX},
                                          {"groups", FIELD_NAMES, false, false, 0, 1000},
                                          {"comment", FIELD_STR, false, false, 0, 2000},
                                          {"enabled", FIELD_BOOL, false, false, 0, 0}};
    char hash[PASSWORD_HASH_BYTES];
    struct identity_user u;
    if (!fields_check(c, fields, 5) || !current_user(c, &u))
        return;
    if (!str_eq_nocase(fields_str(c->json, "username", u.name), u.name)) {
        problem_reply_fault(c, "/username", "fixed", "A user cannot be renamed.");
        return;
    }
    json_t *before = user_json(&u);
    enum err e = OK;
    if (fields_has(c->json, "groups"))
        e = fields_names(c, "groups", &u.groups);
    u.comment = fields_str(c->json, "comment", u.comment);
    u.enabled = fields_bool(c->json, "enabled", u.enabled);
    u.updated_ms = clock_wall_ms(&c->app->clock);
    if (e == OK)
        e = new_hash(c, hash, &u.hash);
    if (e == OK)
        e = identity_rows_update(c->desk->store, &u);
    call_audit(c, u.name, before, user_json(&u));
    if (e != OK)
        problem_reply_err(c, e, "user");
    else
        reply_user(c, u.name, 200);
}

void api_users_delete(struct call *c)
{
    struct identity_user u;
    if (!current_user(c, &u))
        return;
    enum err e = identity_rows_delete(c->desk->store, u.name);
    call_audit(c, u.name, user_json(&u), NULL);
    if (e != OK)
        problem_reply_err(c, e, "user");
    else
        reply_empty(c, 204);
}

void api_users_changed(struct call *c)
{
    json_t *answer = NULL;
    json_t *ask =
        json_pack("{s:s,s:o}", "do", "forget-user", "user", reply_str(str_of(c->audit_object)));
    /* Not running: then it remembers nothing either. */
    if (proxy_link_ask(c->app, ask, 2000, &answer) == OK)
        json_decref(answer);
}
