/* admin_rows: accounts, sessions, tokens. */
#include "db/admin_rows.h"

static const char *const role_names[] = {"viewer", "auditor", "editor", "admin"};

const char *admin_role_name(enum admin_role r)
{
    return role_names[r];
}

bool admin_role_from_name(struct str s, enum admin_role *out)
{
    for (int r = ADMIN_VIEWER; r <= ADMIN_ADMIN; r++) {
        if (str_eq(s, str_of(role_names[r]))) {
            *out = (enum admin_role)r;
            return true;
        }
    }
    return false;
}

static enum err copy_texts(struct sqlite3_stmt *st, struct arena *a, struct str *const out[],
                           size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum err e = store_column_copy(st, (int)i, a, out[i]);
        if (e != OK)
            return e;
    }
    return OK;
}

/* A statement with one text or hash, run to its end. */
static enum err run_with(struct store *s, const char *sql, struct str key)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, sql, &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, key);
    return store_run(s, st);
}

/* --- accounts --- */

#define ACCOUNT                                                                                    \
    "SELECT username, hash, role, enabled, must_change_password, revision, created_ms,"            \
    " updated_ms, last_login_ms FROM admin_account"

static enum err read_account(struct sqlite3_stmt *st, struct arena *a, struct admin_account *out)
{
    struct admin_account x = {.role = (enum admin_role)store_column_u64(st, 2),
                              .enabled = store_column_u64(st, 3) != 0,
                              .must_change_password = store_column_u64(st, 4) != 0,
                              .revision = store_column_u64(st, 5),
                              .created_ms = store_column_i64(st, 6),
                              .updated_ms = store_column_i64(st, 7),
                              .last_login_ms = store_column_i64(st, 8)};
    if ((unsigned)x.role > ADMIN_ADMIN)
        return ERR_CORRUPT;
    enum err e = copy_texts(st, a, (struct str *const[]){&x.username, &x.hash}, 2);
    if (e == OK)
        *out = x;
    return e;
}

enum err admin_rows_account(struct store *s, struct arena *a, struct str username,
                            struct admin_account *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, ACCOUNT " WHERE username = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, username);
    e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_account(st, a, out);
    store_reset(st);
    return e;
}

enum err admin_rows_accounts(struct store *s, struct arena *a, struct admin_account *items,
                             size_t *n)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, ACCOUNT " ORDER BY username LIMIT ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, *n);
    size_t got = 0;
    while ((e = store_step(s, st)) == OK) {
        e = read_account(st, a, &items[got]);
        if (e != OK) {
            store_reset(st);
            return e;
        }
        got++;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *n = got;
    return OK;
}

static void bind_account(struct sqlite3_stmt *st, const struct admin_account *x)
{
    store_bind_str(st, 1, x->username);
    store_bind_str(st, 2, x->hash);
    store_bind_u64(st, 3, x->role);
    store_bind_u64(st, 4, x->enabled);
    store_bind_u64(st, 5, x->must_change_password);
    store_bind_i64(st, 6, x->updated_ms);
}

enum err admin_rows_create(struct store *s, const struct admin_account *x)
{
    struct sqlite3_stmt *st;
    enum err e =
        store_stmt(s, "INSERT INTO admin_account VALUES(?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, 0)", &st);
    if (e != OK)
        return e;
    bind_account(st, x);
    e = store_run(s, st);
    return e == ERR_EXISTS ? store_fail(s, e, "there is an account of this name already") : e;
}

/* Was the account there at all, when a conditional change touched nothing? */
static enum err missing_or_changed(struct store *s, struct str username)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "SELECT 1 FROM admin_account WHERE username = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, username);
    e = store_step(s, st);
    store_reset(st);
    return e == OK ? store_fail(s, ERR_CONFLICT, "this account was changed meanwhile") : e;
}

/* Ends a change of accounts: refused when nobody could administer any more. */
static enum err keep_one_admin(struct store *s, enum err e)
{
    uint64_t admins = 0;
    if (e == OK)
        e = store_u64(s, "SELECT count(*) FROM admin_account WHERE role = 3 AND enabled", &admins);
    if (e == OK && admins == 0)
        e = store_fail(s, ERR_DENIED, "the last enabled admin account must stay one");
    if (e != OK) {
        store_rollback(s);
        return e;
    }
    return store_commit(s);
}

static enum err update_row(struct store *s, const struct admin_account *x)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "UPDATE admin_account SET hash = CASE ?2 WHEN '' THEN hash ELSE ?2 END,"
                            "  role = ?3, enabled = ?4, must_change_password = ?5, updated_ms = ?6,"
                            "  revision = revision + 1"
                            " WHERE username = ?1 AND (?7 = 0 OR revision = ?7)",
                            &st);
    if (e != OK)
        return e;
    bind_account(st, x);
    store_bind_u64(st, 7, x->revision);
    e = store_run(s, st);
    if (e == OK && store_changes(s) == 0)
        e = missing_or_changed(s, x->username);
    return e;
}

enum err admin_rows_update(struct store *s, const struct admin_account *x)
{
    enum err e = store_begin(s);
    return e == OK ? keep_one_admin(s, update_row(s, x)) : e;
}

enum err admin_rows_delete(struct store *s, struct str username)
{
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = run_with(s, "DELETE FROM admin_account WHERE username = ?1", username);
    if (e == OK && store_changes(s) == 0)
        e = ERR_NOT_FOUND;
    return keep_one_admin(s, e);
}

enum err admin_rows_logged_in(struct store *s, struct str username, int64_t at_ms)
{
    struct sqlite3_stmt *st;
    enum err e =
        store_stmt(s, "UPDATE admin_account SET last_login_ms = ?2 WHERE username = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, username);
    store_bind_i64(st, 2, at_ms);
    return store_run(s, st);
}

/* --- sessions --- */

enum err admin_rows_session_add(struct store *s, const struct admin_session *x)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "INSERT INTO admin_session VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", &st);
    if (e != OK)
        return e;
    store_bind_blob(st, 1, x->hash);
    store_bind_str(st, 2, x->username);
    store_bind_str(st, 3, x->csrf);
    store_bind_str(st, 4, x->from);
    store_bind_i64(st, 5, x->created_ms);
    store_bind_i64(st, 6, x->seen_ms);
    store_bind_i64(st, 7, x->expires_ms);
    return store_run(s, st);
}

enum err admin_rows_session(struct store *s, struct arena *a, const struct admin_session_ask *ask,
                            struct admin_session *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "SELECT s.hash, a.username, csrf, from_address, s.created_ms, seen_ms,"
                            "  expires_ms FROM admin_session s JOIN admin_account a USING(username)"
                            " WHERE s.hash = ?1 AND a.enabled AND expires_ms > ?2"
                            "  AND seen_ms + ?3 >= ?2",
                            &st);
    if (e != OK)
        return e;
    store_bind_blob(st, 1, ask->hash);
    store_bind_i64(st, 2, ask->now_ms);
    store_bind_i64(st, 3, ask->idle_ms);
    e = store_step(s, st);
    if (e != OK)
        return e;
    struct admin_session x = {.created_ms = store_column_i64(st, 4),
                              .seen_ms = store_column_i64(st, 5),
                              .expires_ms = store_column_i64(st, 6)};
    e = copy_texts(st, a, (struct str *const[]){&x.hash, &x.username, &x.csrf, &x.from}, 4);
    store_reset(st);
    if (e == OK)
        *out = x;
    return e;
}

enum err admin_rows_session_seen(struct store *s, struct str hash, int64_t at_ms)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "UPDATE admin_session SET seen_ms = ?2 WHERE hash = ?1", &st);
    if (e != OK)
        return e;
    store_bind_blob(st, 1, hash);
    store_bind_i64(st, 2, at_ms);
    return store_run(s, st);
}

enum err admin_rows_session_end(struct store *s, struct str hash)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "DELETE FROM admin_session WHERE hash = ?1", &st);
    if (e != OK)
        return e;
    store_bind_blob(st, 1, hash);
    return store_run(s, st);
}

enum err admin_rows_sessions_end(struct store *s, struct str username, struct str but)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "DELETE FROM admin_session WHERE username = ?1 AND hash <> ?2", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, username);
    store_bind_blob(st, 2, but);
    return store_run(s, st);
}

#define SESSION_ID "lower(hex(substr(s.hash, 1, 8)))"

static enum err read_session(struct sqlite3_stmt *st, struct arena *a, struct admin_session_row *x)
{
    *x = (struct admin_session_row){.session = {.created_ms = store_column_i64(st, 3),
                                                .seen_ms = store_column_i64(st, 4),
                                                .expires_ms = store_column_i64(st, 5)}};
    return copy_texts(st, a, (struct str *const[]){&x->id, &x->session.username, &x->session.from},
                      3);
}

enum err admin_rows_sessions(struct store *s, struct arena *a, const struct admin_session_ask *ask,
                             struct admin_session_row *items, size_t *n)
{
    struct sqlite3_stmt *st;
    size_t got = 0;
    enum err e = store_stmt(s,
                            "SELECT " SESSION_ID ", a.username, from_address, s.created_ms,"
                            " seen_ms, expires_ms FROM admin_session s JOIN admin_account a"
                            " USING(username) WHERE a.enabled AND expires_ms > ?1"
                            " AND seen_ms + ?2 >= ?1 AND (?3 = '' OR a.username = ?3)"
                            " ORDER BY s.created_ms DESC, s.hash LIMIT ?4",
                            &st);
    if (e != OK)
        return e;
    store_bind_i64(st, 1, ask->now_ms);
    store_bind_i64(st, 2, ask->idle_ms);
    store_bind_str(st, 3, ask->username);
    store_bind_u64(st, 4, *n);
    while ((e = store_step(s, st)) == OK) {
        e = read_session(st, a, &items[got++]);
        if (e != OK) {
            store_reset(st);
            return e;
        }
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *n = got;
    return OK;
}

enum err admin_rows_session_revoke(struct store *s, struct str id, struct str username)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s,
                            "DELETE FROM admin_session AS s WHERE " SESSION_ID " = ?1"
                            " AND (?2 = '' OR username = ?2)",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, id);
    store_bind_str(st, 2, username);
    e = store_run(s, st);
    return e == OK && store_changes(s) == 0 ? ERR_NOT_FOUND : e;
}

enum err admin_rows_sessions_count(struct store *s, int64_t now_ms, uint64_t *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "SELECT count(*) FROM admin_session WHERE expires_ms > ?1", &st);
    if (e != OK)
        return e;
    store_bind_i64(st, 1, now_ms);
    e = store_step(s, st);
    if (e != OK)
        return e;
    *out = store_column_u64(st, 0);
    store_reset(st);
    return OK;
}

enum err admin_rows_sessions_purge(struct store *s, int64_t now_ms)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "DELETE FROM admin_session WHERE expires_ms <= ?1", &st);
    if (e != OK)
        return e;
    store_bind_i64(st, 1, now_ms);
    return store_run(s, st);
}

/* --- tokens --- */

#define TOKEN                                                                                      \
    "SELECT id, hash, name, created_by, last_used_from, role, created_ms, expires_ms,"             \
    " last_used_ms FROM admin_token"

static enum err read_token(struct sqlite3_stmt *st, struct arena *a, struct admin_token *out)
{
    struct admin_token x = {.role = (enum admin_role)store_column_u64(st, 5),
                            .created_ms = store_column_i64(st, 6),
                            .expires_ms = store_column_i64(st, 7),
                            .last_used_ms = store_column_i64(st, 8)};
    if ((unsigned)x.role > ADMIN_ADMIN)
        return ERR_CORRUPT;
    struct str *const texts[5] = {&x.id, &x.hash, &x.name, &x.created_by, &x.last_used_from};
    enum err e = copy_texts(st, a, texts, 5);
    if (e == OK)
        *out = x;
    return e;
}

enum err admin_rows_token_add(struct store *s, const struct admin_token *x)
{
    struct sqlite3_stmt *st;
    enum err e =
        store_stmt(s, "INSERT INTO admin_token VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '')", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, x->id);
    store_bind_blob(st, 2, x->hash);
    store_bind_str(st, 3, x->name);
    store_bind_str(st, 4, x->created_by);
    store_bind_u64(st, 5, x->role);
    store_bind_i64(st, 6, x->created_ms);
    store_bind_i64(st, 7, x->expires_ms);
    return store_run(s, st);
}

enum err admin_rows_token(struct store *s, struct arena *a, struct str id, struct admin_token *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, TOKEN " WHERE id = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, id);
    e = store_step(s, st);
    if (e != OK)
        return e;
    e = read_token(st, a, out);
    store_reset(st);
    return e;
}

enum err admin_rows_tokens(struct store *s, struct arena *a, struct admin_token *items, size_t *n)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, TOKEN " ORDER BY created_ms DESC, id LIMIT ?1", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, *n);
    size_t got = 0;
    while ((e = store_step(s, st)) == OK) {
        e = read_token(st, a, &items[got]);
        if (e != OK) {
            store_reset(st);
            return e;
        }
        got++;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *n = got;
    return OK;
}

enum err admin_rows_token_used(struct store *s, struct str id, int64_t at_ms, struct str from)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(
        s, "UPDATE admin_token SET last_used_ms = ?2, last_used_from = ?3 WHERE id = ?1", &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, id);
    store_bind_i64(st, 2, at_ms);
    store_bind_str(st, 3, from);
    return store_run(s, st);
}

enum err admin_rows_token_delete(struct store *s, struct str id)
{
    enum err e = run_with(s, "DELETE FROM admin_token WHERE id = ?1", id);
    return e == OK && store_changes(s) == 0 ? ERR_NOT_FOUND : e;
}
