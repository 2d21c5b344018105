/* api_session: a login keeps its own transaction, because the password is judged before it: argon2
 * takes long, and the store's write lock is not held meanwhile. */
#include "adminui/api_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/access.h"
#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "adminui/transact.h"
#include "base/password.h"
#include "base/secret.h"

#define SECRET_BYTES 32

void api_session_me(struct call *c)
{
    const struct caller *who = &c->caller;
    json_t *may = json_array();
    for (int p = PERMISSION_READ; p < PERMISSIONS; p++)
        if (role_may(who->role, (enum permission)p))
            json_array_append_new(may, json_string(permission_name((enum permission)p)));
    json_t *csrf = who->via == VIA_SESSION ? json_string(who->csrf) : json_null();
    reply_json(c, 200,
               json_pack("{s:s,s:s,s:o,s:s,s:o,s:o,s:b}", "username", who->name, "role",
                         admin_role_name(who->role), "permissions", may, "via", via_name(who->via),
                         "csrf_token", csrf, "expires_at", reply_time(who->expires_at_ms),
                         "must_change_password", (int)who->must_change_password));
}

/* --- login -------------------------------------------------------------------------------------
 */

struct limit_keys {
    char name[160], address[80];
};

static struct limit_keys limit_keys(const struct call *c, struct str username)
{
    struct limit_keys k;
    snprintf(k.name, sizeof k.name, "n:%.*s", (int)(username.n < 150 ? username.n : 150),
             username.p);
    for (char *p = k.name; *p; p++)
        *p = str_lower(*p);
    snprintf(k.address, sizeof k.address, "a:%s", c->address);
    return k;
}

static bool may_try(struct call *c, const struct limit_keys *k)
{
    struct login_limit *l = access_login_limit(c->app->access);
    int64_t now = clock_mono_ms(&c->app->clock);
    int64_t a = login_limit_wait_ms(l, str_of(k->name), now);
    int64_t b = login_limit_wait_ms(l, str_of(k->address), now);
    int64_t wait = a > b ? a : b;
    if (!wait)
        return true;
    c->reply.retry_after_s = (unsigned)((wait + 999) / 1000);
    problem_reply(c, PROBLEM_TOO_OFTEN, "Too many failed logins; try again in %u s.",
                  c->reply.retry_after_s);
    return false;
}

static void note_try(struct call *c, const struct limit_keys *k, bool is_good)
{
    struct login_limit *l = access_login_limit(c->app->access);
    int64_t now = clock_mono_ms(&c->app->clock);
    if (is_good) {
        login_limit_succeeded(l, str_of(k->name));
        login_limit_succeeded(l, str_of(k->address));
    } else {
        login_limit_failed(l, str_of(k->name), now);
        login_limit_failed(l, str_of(k->address), now);
    }
}

/* The same work whether the name is known or not. */
static bool is_right(struct call *c, struct str username, struct str password,
                     struct admin_account *account)
{
    enum err e = admin_rows_account(c->desk->store, &c->arena, username, account);
    if (e != OK || !account->enabled || !account->hash.n)
        return password_check_nobody(password) == OK; /* never */
    return password_check(account->hash, password) == OK;
}

static enum err add_session(struct call *c, const struct admin_account *account, const char *secret)
{
    struct caller *who = &c->caller;
    struct store *s = c->desk->store;
    int64_t now = clock_wall_ms(&c->app->clock);
    access_hash(str_of(secret), who->hash);
    struct admin_session x = {.hash = str_make(who->hash, sizeof who->hash),
                              .username = account->username,
                              .csrf = str_of(who->csrf),
                              .from = str_of(c->address),
                              .created_ms = now,
                              .seen_ms = now,
                              .expires_ms = now + ACCESS_TOTAL_MS};
    who->via = VIA_SESSION;
    who->role = account->role;
    who->expires_at_ms = x.expires_ms;
    who->must_change_password = account->must_change_password;
    enum err e = admin_rows_sessions_purge(s, now);
    if (e == OK)
        e = admin_rows_session_add(s, &x);
    if (e == OK)
        e = admin_rows_logged_in(s, account->username, now);
    return e;
}

static void set_cookie(struct call *c, const char *secret, int64_t max_age_s)
{
    free(c->reply.cookie);
    if (asprintf(&c->reply.cookie, "%s=%s; Path=/; %sHttpOnly; SameSite=Strict; Max-Age=%lld",
                 access_cookie_name(c->is_tls), secret, c->is_tls ? "Secure; " : "",
                 (long long)max_age_s) < 0)
        c->reply.cookie = NULL;
}

/* Session and audit row together; also the row of a failed try. */
static void record_login(struct call *c, const struct admin_account *account, const char *secret)
{
    struct store *s = c->desk->store;
    enum err e = store_begin(s);
    if (e == OK) {
        if (account)
            e = add_session(c, account, secret);
        if (e == OK)
            e = transact_audit(c);
        e = store_end(s, e);
    }
    if (e != OK)
        problem_reply_err(c, e, "session");
}

void api_session_login(struct call *c)
{
    static const struct field fields[] = {{"username", FIELD_STR, true, false, 1, CALLER_NAME_MAX},
                                          {"password", FIELD_STR, true, false, 1, 1024}};
    struct admin_account account = {0};
    char secret[2 * SECRET_BYTES + 1];
    if (!fields_check(c, fields, 2))
        return;
    struct str username = fields_str(c->json, "username", (struct str){0});
    struct str password = fields_str(c->json, "password", (struct str){0});
    struct limit_keys keys = limit_keys(c, username);
    if (!may_try(c, &keys))
        return;
    memset(&c->caller, 0, sizeof c->caller);
    memcpy(c->caller.name, username.p, username.n);
    bool good = is_right(c, username, password, &account);
    note_try(c, &keys, good);
    if (!good) {
        problem_reply(c, PROBLEM_WRONG_LOGIN, "The name or the password is wrong.");
        record_login(c, NULL, NULL);
        return;
    }
    if (secret_random_hex(secret, SECRET_BYTES) != OK ||
        secret_random_hex(c->caller.csrf, SECRET_BYTES) != OK) {
        problem_reply(c, PROBLEM_INTERNAL, "No randomness.");
        return;
    }
    snprintf(c->caller.name, sizeof c->caller.name, "%.*s", STR_ARG(account.username));
    record_login(c, &account, secret);
    if (!c->reply.slug) {
        set_cookie(c, secret, ACCESS_TOTAL_MS / 1000);
        api_session_me(c);
    }
    secret_wipe(secret, sizeof secret);
}

void api_session_logout(struct call *c)
{
    if (c->caller.via == VIA_SESSION) {
        enum err e =
            admin_rows_session_end(c->desk->store, str_make(c->caller.hash, sizeof c->caller.hash));
        if (e != OK) {
            problem_reply_err(c, e, "session");
            return;
        }
        set_cookie(c, "", 0);
    }
    reply_empty(c, 204);
}

void api_session_password(struct call *c)
{
    static const struct field fields[] = {{"current_password", FIELD_STR, true, false, 1, 1024},
                                          {"new_password", FIELD_STR, true, false, 12, 1024}};
    struct admin_account account = {0};
    char hash[PASSWORD_HASH_BYTES];
    if (!fields_check(c, fields, 2))
        return;
    if (c->caller.via != VIA_SESSION) {
        problem_reply(c, PROBLEM_CONFLICT, "Only a logged-in account has a password.");
        return;
    }
    struct limit_keys keys = limit_keys(c, str_of(c->caller.name));
    if (!may_try(c, &keys))
        return;
    bool good = is_right(c, str_of(c->caller.name),
                         fields_str(c->json, "current_password", (struct str){0}), &account);
    note_try(c, &keys, good);
    if (!good) {
        problem_reply_fault(c, "/current_password", "wrong", "The current password is wrong.");
        return;
    }
    enum err e = password_hash(fields_str(c->json, "new_password", (struct str){0}), hash);
    account.hash = str_of(hash);
    account.must_change_password = false;
    account.updated_ms = clock_wall_ms(&c->app->clock);
    account.revision = 0;
    if (e == OK)
        e = admin_rows_update(c->desk->store, &account);
    if (e == OK)
        e = admin_rows_sessions_end(c->desk->store, account.username,
                                    str_make(c->caller.hash, sizeof c->caller.hash));
    if (e != OK) {
        problem_reply_err(c, e, "account");
        return;
    }
    call_audit(c, account.username, NULL, NULL);
    reply_empty(c, 204);
}
