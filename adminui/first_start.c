/* first_start: everything of a new store in one transaction, so that a start that was cut off
 * begins anew. The password goes to stderr only: it is never stored in the clear. */
#include "adminui/first_start.h"

#include <stdio.h>

#include "adminui/presets.h"
#include "base/diag.h"
#include "base/password.h"
#include "base/secret.h"
#include "db/admin_rows.h"
#include "db/audit_rows.h"
#include "db/policy_rows.h"
#include "db/policy_store.h"

#define PASSWORD_BYTES 10 /* 80 bits */

static enum err publish_starter(struct app *app, struct store *s)
{
    struct starter first;
    uint64_t revision, version;
    if (!starter_at(0, &first))
        return ERR_NOT_FOUND;
    struct policy_draft d = {
        .document = first.document, .author = STR("system"), .at_ms = clock_wall_ms(&app->clock)};
    struct policy_publish how = {.comment = STR("starter policy"),
                                 .author = STR("system"),
                                 .at_ms = d.at_ms,
                                 .n_rules = presets_n_rules(&first)};
    enum err e = policy_rows_put_draft(s, &d, 0, &revision);
    return e == OK ? policy_rows_publish(s, revision, &how, &version) : e;
}

static enum err add_admin(struct app *app, struct store *s, const char *password)
{
    char hash[PASSWORD_HASH_BYTES];
    int64_t now = clock_wall_ms(&app->clock);
    enum err e = password_hash(str_of(password), hash);
    struct admin_account a = {.username = STR("admin"),
                              .hash = str_of(hash),
                              .role = ADMIN_ADMIN,
                              .enabled = true,
                              .must_change_password = true,
                              .created_ms = now,
                              .updated_ms = now};
    return e == OK ? admin_rows_create(s, &a) : e;
}

static enum err fill(struct app *app, struct store *s, const char *password)
{
    uint64_t id;
    struct audit_row row = {.at_ms = clock_wall_ms(&app->clock),
                            .actor = STR("system"),
                            .via = STR("system"),
                            .action = STR("first start"),
                            .result = STR("ok")};
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = publish_starter(app, s);
    if (e == OK)
        e = add_admin(app, s, password);
    if (e == OK)
        e = audit_rows_add(s, &row, &id);
    return store_end(s, e);
}

static enum err begin_store(struct app *app, struct store *s)
{
    char password[2 * PASSWORD_BYTES + 1];
    if (secret_random_hex(password, PASSWORD_BYTES) != OK)
        return ERR_IO;
    enum err e = fill(app, s, password);
    if (e == OK)
        fprintf(stderr,
                "info: first start: log in once and choose your own: username=admin password=%s\n",
                password);
    else
        diag(DIAG_ERROR, "store", "the first start did not succeed", "why", store_why(s), NULL);
    secret_wipe(password, sizeof password);
    return e;
}

enum err first_start(struct app *app)
{
    char why[STORE_WHY_BYTES] = "";
    struct store *s;
    struct admin_account some;
    struct arena a;
    size_t n = 1;
    enum err e = policy_store_open(app->store_path, STORE_WRITE, why, &s);
    if (e != OK) {
        diag(DIAG_ERROR, "store", "policy.db cannot be opened", "why", why[0] ? why : err_name(e),
             NULL);
        return e;
    }
    arena_init(&a, 4096, 64u << 10);
    e = admin_rows_accounts(s, &a, &some, &n);
    if (e == OK && n == 0)
        e = begin_store(app, s);
    arena_fini(&a);
    store_close(s);
    return e;
}
