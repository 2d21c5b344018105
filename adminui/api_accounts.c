/* api_accounts: handlers over admin_rows; the store itself keeps the last enabled admin. */
#include "adminui/api_accounts.h"

#include "adminui/api_users.h"
#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "base/password.h"
#include "db/admin_rows.h"

#define ACCOUNTS_MAX 1000
#define LAST_ADMIN   "Somebody has to stay admin: this is the last enabled one."

static json_t *account_json(const struct admin_account *a)
{
    return json_pack("{s:o,s:s,s:b,s:b,s:o,s:o}", "username", reply_str(a->username), "role",
                     admin_role_name(a->role), "enabled", (int)a->enabled, "must_change_password",
                     (int)a->must_change_password, "created_at", reply_time(a->created_ms),
                     "last_login_at", reply_time(a->last_login_ms));
}

static void reply_fault(struct call *c, enum err e)
{
    if (e == ERR_DENIED)
        problem_reply(c, PROBLEM_CONFLICT, LAST_ADMIN);
    else
        problem_reply_err(c, e, "account");
}

static void reply_account(struct call *c, struct str name, unsigned status)
{
    struct admin_account a;
    enum err e = admin_rows_account(c->desk->store, &c->arena, name, &a);
    if (e != OK) {
        reply_fault(c, e);
        return;
    }
    call_etag(c->reply.etag, "a", a.revision);
    reply_json(c, status, account_json(&a));
}

void api_accounts_list(struct call *c)
{
    size_t n = ACCOUNTS_MAX;
    struct admin_account *items = arena_alloc(&c->arena, n * sizeof *items);
    enum err e = items ? admin_rows_accounts(c->desk->store, &c->arena, items, &n) : ERR_NOMEM;
    if (e != OK) {
        reply_fault(c, e);
        return;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, account_json(&items[i]));
    reply_json(c, 200, json_pack("{s:o}", "items", all));
}

static bool read_role(struct call *c, enum admin_role *role)
{
    if (!fields_has(c->json, "role") ||
        admin_role_from_name(fields_str(c->json, "role", (struct str){0}), role))
        return true;
    problem_reply_fault(c, "/role", "unknown-role", "A role is viewer, auditor, editor or admin.");
    return false;
}

void api_accounts_create(struct call *c)
{
    static const struct field fields[] = {{"username", FIELD_STR, true, false, 1, 64},
                                          {"password", FIELD_STR, true, false, 12, PASSWORD_MAX},
                                          {"role", FIELD_STR, true, false, 1, 20},
                                          {"enabled", FIELD_BOOL, false, false, 0, 0}};
    char hash[PASSWORD_HASH_BYTES];
    struct admin_account a = {0};
    if (!fields_check(c, fields, 4) || !read_role(c, &a.role))
        return;
    a.username = fields_str(c->json, "username", (struct str){0});
    if (!api_users_is_name(a.username)) {
        problem_reply_fault(c, "/username", "bad-name",
                            "A name has no colon, slash or control byte.");
        return;
    }
    a.enabled = fields_bool(c->json, "enabled", true);
    a.created_ms = a.updated_ms = clock_wall_ms(&c->app->clock);
    enum err e = password_hash(fields_str(c->json, "password", (struct str){0}), hash);
    a.hash = str_of(hash);
    if (e == OK)
        e = admin_rows_create(c->desk->store, &a);
    call_audit(c, a.username, NULL, account_json(&a));
    if (e != OK) {
        reply_fault(c, e);
        return;
    }
    reply_account(c, a.username, 201);
    reply_location(c, "/accounts/", a.username);
}

void api_accounts_get(struct call *c)
{
    reply_account(c, c->params[0], 200);
    if (!c->reply.slug)
        (void)call_not_modified(c, c->reply.etag);
}

static bool current_account(struct call *c, struct admin_account *a)
{
    char tag[64];
    enum err e = admin_rows_account(c->desk->store, &c->arena, c->params[0], a);
    if (e != OK) {
        reply_fault(c, e);
        return false;
    }
    call_etag(tag, "a", a->revision);
    return call_if_match(c, tag);
}

void api_accounts_put(struct call *c)
{
    static const struct field fields[] = {{"username", FIELD_STR, false, false, 1, 64},
                                          {"password", FIELD_STR, false, true, 12, PASSWORD_MAX},
                                          {"role", FIELD_STR, false, false, 1, 20},
                                          {"enabled", FIELD_BOOL, false, false, 0, 0}};
    char hash[PASSWORD_HASH_BYTES] = "";
    struct admin_account a;
    if (!fields_check(c, fields, 4) || !current_account(c, &a))
        return;
    json_t *before = account_json(&a);
    enum admin_role old_role = a.role;
    call_audit(c, a.username, before, NULL);
    if (!read_role(c, &a.role))
        return;
    if (!str_eq_nocase(fields_str(c->json, "username", a.username), a.username)) {
        problem_reply_fault(c, "/username", "fixed", "An account cannot be renamed.");
        return;
    }
    enum err e = OK;
    bool has_password = fields_has(c->json, "password");
    if (has_password)
        e = password_hash(fields_str(c->json, "password", (struct str){0}), hash);
    a.hash = str_of(hash); /* empty keeps it */
    a.must_change_password = a.must_change_password && !has_password;
    a.enabled = fields_bool(c->json, "enabled", a.enabled);
    a.updated_ms = clock_wall_ms(&c->app->clock);
    if (e == OK)
        e = admin_rows_update(c->desk->store, &a);
    /* What the account may do has changed: whoever is logged in as it logs in again. */
    if (e == OK && (has_password || !a.enabled || a.role != old_role))
        e = admin_rows_sessions_end(c->desk->store, a.username, (struct str){0});
    if (e != OK) {
        reply_fault(c, e);
        return;
    }
    c->audit_after = account_json(&a);
    reply_account(c, a.username, 200);
}

void api_accounts_delete(struct call *c)
{
    struct admin_account a;
    if (!current_account(c, &a))
        return;
    enum err e = admin_rows_delete(c->desk->store, a.username);
    call_audit(c, a.username, account_json(&a), NULL);
    if (e != OK)
        reply_fault(c, e);
    else
        reply_empty(c, 204);
}
