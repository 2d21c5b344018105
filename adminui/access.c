/* access: identify, then permit. */
#include "adminui/access.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/problem.h"
#include "base/diag.h"
#include "base/secret.h"
#include "db/policy_store.h"

struct access {
    struct app *app;
    pthread_mutex_t lock;
    struct store *store; /* for reading, under the lock */
    struct login_limit *limit;
};

enum err access_open(struct app *app, struct access **out)
{
    char why[STORE_WHY_BYTES] = "";
    struct access *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->app = app;
    pthread_mutex_init(&a->lock, NULL);
    a->limit = login_limit_new();
    enum err e =
        a->limit ? policy_store_open(app->store_path, STORE_READ, why, &a->store) : ERR_NOMEM;
    if (e != OK) {
        diag(DIAG_ERROR, "access", "the store cannot be read", "why", why, NULL);
        access_close(a);
        return e;
    }
    *out = a;
    return OK;
}

void access_close(struct access *a)
{
    if (!a)
        return;
    store_close(a->store);
    login_limit_free(a->limit);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

struct login_limit *access_login_limit(struct access *a)
{
    return a->limit;
}

const char *access_cookie_name(bool is_tls)
{
    return is_tls ? "__Host-sid" : "sid";
}

void access_hash(struct str secret, unsigned char out[ADMIN_HASH_BYTES])
{
    SHA256((const unsigned char *)secret.p, secret.n, out);
}

struct str access_cookie(struct str cookies, const char *name)
{
    struct str part, key = {0};
    while (str_split(&cookies, ';', &part)) {
        part = str_trim(part);
        str_split(&part, '=', &key);
        if (str_eq(key, str_of(name)))
            return part;
    }
    return (struct str){0};
}

/* --- who ---------------------------------------------------------------------------------------
 */

static void set_text(char to[CALLER_NAME_MAX + 1], struct str name)
{
    name = str_sub(name, 0, CALLER_NAME_MAX);
    memcpy(to, name.p ? name.p : "", name.n);
    to[name.n] = 0;
}

static void set_name(struct caller *who, struct str name)
{
    set_text(who->name, name);
    set_text(who->person, name);
}

static void from_socket(struct call *c, const struct access_input *in)
{
    if (in->peer != 0 && in->peer != c->app->owner)
        return;
    c->caller.via = VIA_SOCKET;
    c->caller.role = ADMIN_ADMIN;
    snprintf(c->caller.name, sizeof c->caller.name, "uid:%u", (unsigned)in->peer);
    set_text(c->caller.person, str_of(c->caller.name));
}

static enum err from_cookie(struct access *a, struct call *c, struct str secret)
{
    struct caller *who = &c->caller;
    struct admin_session s;
    struct admin_account account;
    int64_t now = clock_wall_ms(&a->app->clock);
    access_hash(secret, who->hash);
    struct admin_session_ask ask = {
        .hash = str_make(who->hash, sizeof who->hash), .now_ms = now, .idle_ms = ACCESS_IDLE_MS};
    enum err e = admin_rows_session(a->store, &c->arena, &ask, &s);
    if (e == OK)
        e = admin_rows_account(a->store, &c->arena, s.username, &account);
    if (e != OK)
        return e;
    who->via = VIA_SESSION;
    who->role = account.role;
    who->must_change_password = account.must_change_password;
    who->expires_at_ms = s.expires_ms;
    who->is_use_due = now - s.seen_ms > ACCESS_TOUCH_MS;
    set_name(who, account.username);
    struct str csrf = str_sub(s.csrf, 0, sizeof who->csrf - 1);
    memcpy(who->csrf, csrf.p, csrf.n);
    return OK;
}

static enum err from_bearer(struct access *a, struct call *c, struct str token)
{
    struct caller *who = &c->caller;
    struct admin_token t;
    struct str id = {0};
    unsigned char hash[ADMIN_HASH_BYTES];
    int64_t now = clock_wall_ms(&a->app->clock);
    if (!str_starts(token, STR(ACCESS_TOKEN)))
        return ERR_NOT_FOUND;
    token = str_sub(token, sizeof ACCESS_TOKEN - 1, token.n);
    str_split(&token, '_', &id);
    enum err e = id.n && id.n < sizeof who->token_id ? admin_rows_token(a->store, &c->arena, id, &t)
                                                     : ERR_NOT_FOUND;
    if (e != OK)
        return e;
    access_hash(token, hash);
    if (!secret_eq(t.hash, str_make(hash, sizeof hash)) || t.expires_ms <= now)
        return ERR_NOT_FOUND;
    who->via = VIA_TOKEN;
    who->role = t.role;
    who->expires_at_ms = t.expires_ms;
    who->is_use_due = now - t.last_used_ms > ACCESS_TOUCH_MS;
    memcpy(who->token_id, id.p, id.n);
    snprintf(who->name, sizeof who->name, "token:%.*s", STR_ARG(t.name));
    set_text(who->person, t.created_by);
    return OK;
}

/* False when the request names itself in a way that cannot be. Not being known is no fault here. */
static bool identify(struct call *c, const struct access_input *in)
{
    struct access *a = c->app->access;
    struct str cookie = access_cookie(c->cookie, access_cookie_name(in->is_tls));
    struct str token = {0};
    enum err e = OK;
    if (in->is_local) {
        from_socket(c, in);
        return true;
    }
    if (str_starts_nocase(in->authorization, STR("Bearer ")))
        token = str_trim(str_sub(in->authorization, 7, in->authorization.n));
    if (token.n && cookie.n) {
        problem_reply(c, PROBLEM_BAD_REQUEST, "Send a session cookie or a token, not both.");
        return false;
    }
    pthread_mutex_lock(&a->lock);
    if (token.n)
        e = from_bearer(a, c, token);
    else if (cookie.n)
        e = from_cookie(a, c, cookie);
    pthread_mutex_unlock(&a->lock);
    if (e == OK || e == ERR_NOT_FOUND || e == ERR_INVALID)
        return true;
    problem_reply_err(c, e, "session");
    return false;
}

/* --- may ---------------------------------------------------------------------------------------
 */

bool access_is_same_origin(const struct access_input *in)
{
    struct str scheme = in->is_tls ? STR("https://") : STR("http://");
    if (in->origin.n)
        return str_starts_nocase(in->origin, scheme) &&
               str_eq_nocase(str_sub(in->origin, scheme.n, in->origin.n), in->host);
    return !in->fetch_site.n || str_eq(in->fetch_site, STR("same-origin")) ||
           str_eq(in->fetch_site, STR("none"));
}

static bool is_safe(struct str method)
{
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
}

/* Cookies travel by themselves, so a change needs proof that our own page asked for it. */
static bool passes_csrf(struct call *c, const struct access_input *in)
{
    if (in->is_local || c->caller.via == VIA_TOKEN || is_safe(c->method))
        return true;
    if (!access_is_same_origin(in)) {
        problem_reply(c, PROBLEM_CSRF, "The request comes from another site.");
        return false;
    }
    if (c->caller.via == VIA_SESSION && c->route->permission != PERMISSION_PUBLIC &&
        !secret_eq(in->csrf, str_of(c->caller.csrf))) {
        problem_reply(c, PROBLEM_CSRF, "X-CSRF-Token is missing or is not this session's.");
        return false;
    }
    return true;
}

bool access_is_open_to_newcomers(const struct route *r)
{
    static const char *const open[] = {"/session", "/me", "/me/password", "/setup", "/presets"};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (strcmp(r->pattern, open[i]) == 0)
            return true;
    return r->permission == PERMISSION_PUBLIC;
}

bool access_check(struct call *c, const struct access_input *in)
{
    enum permission need = c->route->permission;
    if (!identify(c, in))
        return false;
    if (need != PERMISSION_PUBLIC && c->caller.via == VIA_NOBODY) {
        if (in->is_local)
            problem_reply(c, PROBLEM_FORBIDDEN, "Only root and the owner may use the socket.");
        else
            problem_reply(c, PROBLEM_NOT_LOGGED_IN, "Log in first, or send a token.");
        return false;
    }
    if (need != PERMISSION_PUBLIC && !role_may(c->caller.role, need)) {
        problem_reply(c, PROBLEM_FORBIDDEN, "The role %s may not do this; it needs \"%s\".",
                      admin_role_name(c->caller.role), permission_name(need));
        return false;
    }
    if (c->caller.must_change_password && !access_is_open_to_newcomers(c->route)) {
        problem_reply(c, PROBLEM_ONE_TIME_PASSWORD,
                      "This is a one-time password: set one of your own first (PUT /me/password).");
        return false;
    }
    return passes_csrf(c, in);
}
