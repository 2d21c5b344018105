/* api_setup: one transaction: the password, a starter policy, a first user, the mark that it is
 * done. */
#include "adminui/api_setup.h"

#include <stdio.h>

#include "adminui/api_users.h"
#include "adminui/changes.h"
#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/policy_docs.h"
#include "adminui/presets.h"
#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"
#include "base/password.h"
#include "db/admin_rows.h"
#include "db/settings_rows.h"

#define MARK STR("setup")

void api_setup_get(struct call *c)
{
    struct settings_row row;
    enum err e = settings_rows_get(c->desk->store, &c->arena, MARK, &row);
    if (e != OK && e != ERR_NOT_FOUND)
        problem_reply_err(c, e, "setup");
    else
        reply_json(c, 200,
                   json_pack("{s:b,s:s}", "needed", e == ERR_NOT_FOUND, "version", PROXYD_VERSION));
}

static enum err set_mark(struct call *c)
{
    struct settings_row row = {.name = MARK,
                               .document = STR("{\"done\":true}"),
                               .author = str_of(c->caller.name),
                               .at_ms = clock_wall_ms(&c->app->clock)};
    uint64_t version;
    return settings_rows_put(c->desk->store, &row, 0, &version);
}

/* The caller's own account; over the socket, the account of the first start. */
static enum err set_password(struct call *c)
{
    char hash[PASSWORD_HASH_BYTES];
    struct admin_account a;
    struct str name = c->caller.via == VIA_SESSION ? str_of(c->caller.name) : STR("admin");
    enum err e = admin_rows_account(c->desk->store, &c->arena, name, &a);
    if (e == OK)
        e = password_hash(fields_str(c->json, "new_password", (struct str){0}), hash);
    if (e != OK)
        return e;
    a.hash = str_of(hash);
    a.must_change_password = false;
    a.revision = 0;
    a.updated_ms = clock_wall_ms(&c->app->clock);
    e = admin_rows_update(c->desk->store, &a);
    struct str keep = c->caller.via == VIA_SESSION ? str_make(c->caller.hash, sizeof c->caller.hash)
                                                   : (struct str){0};
    return e == OK ? admin_rows_sessions_end(c->desk->store, a.username, keep) : e;
}

static enum err publish_preset(struct call *c, const struct starter *p)
{
    struct policy_draft d = {0};
    uint64_t revision, version;
    int64_t now = clock_wall_ms(&c->app->clock);
    enum err e = policy_rows_draft(c->desk->store, &c->arena, &d);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    struct policy_draft next = {
        .document = p->document, .author = str_of(c->caller.name), .at_ms = now};
    struct policy_publish how = {.comment = str_of(p->title),
                                 .author = str_of(c->caller.name),
                                 .at_ms = now,
                                 .n_rules = presets_n_rules(p)};
    e = policy_rows_put_draft(c->desk->store, &next, d.revision, &revision);
    return e == OK ? policy_rows_publish(c->desk->store, revision, &how, &version) : e;
}

static enum err add_user(struct call *c)
{
    json_t *user = json_object_get(c->json, "user");
    if (!json_is_object(user))
        return OK;
    if (!fields_str(user, "password", (struct str){0}).n)
        return ERR_INVALID;
    return api_users_add(c, user);
}

/* The wizard is for the first minutes: it is no way past a second person. */
static bool may_publish(struct call *c)
{
    struct settings_publishing s;
    enum err e = changes_settings(c->desk, &c->arena, &s);
    if (e != OK)
        problem_reply_err(c, e, "setup");
    else if (s.needs_approval)
        problem_reply(c, PROBLEM_CONFLICT,
                      "Publishing needs a second person: put the preset into the draft instead.");
    return e == OK && !s.needs_approval;
}

void api_setup_post(struct call *c)
{
    static const struct field fields[] = {{"new_password", FIELD_STR, true, false, 12, 1024},
                                          {"preset", FIELD_STR, false, true, 1, 40},
                                          {"user", FIELD_OBJECT, false, true, 0, 0}};
    if (!fields_check(c, fields, 3))
        return;
    struct str name = fields_str(c->json, "preset", (struct str){0});
    struct starter chosen;
    const struct starter *p = name.n && starter_named(name, &chosen) ? &chosen : NULL;
    if (name.n && !p) {
        problem_reply_fault(c, "/preset", "unknown-preset", "See /presets for their names.");
        return;
    }
    if (p && !may_publish(c))
        return;
    enum err e = set_mark(c);
    if (e == ERR_CONFLICT) {
        problem_reply(c, PROBLEM_CONFLICT, "The first-run wizard was finished already.");
        return;
    }
    if (e == OK)
        e = set_password(c);
    if (e == OK && p)
        e = publish_preset(c, p);
    if (e == OK)
        e = add_user(c);
    call_audit(c, STR("setup"), NULL, NULL);
    if (e == ERR_INVALID)
        problem_reply_fault(c, "/user", "bad-user",
                            "A user has a name without colon or slash, and a password.");
    else if (e != OK)
        problem_reply_err(c, e, "setup");
    else
        reply_empty(c, 200);
}

void api_setup_done(struct call *c)
{
    struct proxy_reload r;
    uint64_t version = 0;
    proxy_link_reload(c->app, &r);
    enum err e = policy_rows_live_number(c->desk->store, &version);
    if (e != OK)
        problem_reply_err(c, e, "policy");
    else
        reply_json(c, 200,
                   json_pack("{s:o,s:b,s:s}", "version", reply_u64(version), "applied",
                             (int)r.is_applied, "message", r.why));
}
