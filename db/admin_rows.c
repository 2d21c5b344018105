/* admin_rows: accounts, sessions, tokens. */
#include "db/admin_rows.h"

#include "db/row.h"

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

/* --- accounts --- */

#define ACCOUNT                                                                                    \
    "SELECT username, hash, role, enabled, must_change_password, revision, created_ms,"            \
    " updated_ms, last_login_ms FROM admin_account"

static void read_account(struct row *r, void *item)
{
    *(struct admin_account *)item =
        (struct admin_account){.username = row_text(r, 0),
                               .hash = row_text(r, 1),
                               .role = (enum admin_role)row_enum(r, 2, ADMIN_ADMIN),
                               .enabled = row_bool(r, 3),
                               .must_change_password = row_bool(r, 4),
                               .revision = row_u64(r, 5),
                               .created_ms = row_i64(r, 6),
                               .updated_ms = row_i64(r, 7),
                               .last_login_ms = row_i64(r, 8)};
}

enum err admin_rows_account(struct store *s, struct arena *a, struct str username,
                            struct admin_account *out)
{
    return row_one(s, ROW_SQL(ACCOUNT " WHERE username = ?1", ROW_TEXT(username)),
                   ROW_INTO(read_account, a, out));
}

enum err admin_rows_accounts(struct store *s, struct arena *a, struct admin_account *items,
                             size_t *n)
{
    return row_list(s, ROW_SQL(ACCOUNT " ORDER BY username LIMIT ?1", ROW_INT(*n)),
                    ROW_INTO(read_account, a, items), n);
}

enum err admin_rows_create(struct store *s, const struct admin_account *x)
{
    enum err e = row_run(
        s, ROW_SQL("INSERT INTO admin_account VALUES(?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, 0)",
                   ROW_TEXT(x->username), ROW_TEXT(x->hash), ROW_INT(x->role), ROW_INT(x->enabled),
                   ROW_INT(x->must_change_password), ROW_INT(x->updated_ms)));
    return e == ERR_EXISTS ? store_fail(s, e, "there is an account of this name already") : e;
}

/* Was the account there at all, when a conditional change touched nothing? */
static enum err missing_or_changed(struct store *s, struct str username)
{
    uint64_t one;
    enum err e = row_number(
        s, ROW_SQL("SELECT 1 FROM admin_account WHERE username = ?1", ROW_TEXT(username)), &one);
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
    return store_end(s, e);
}

static enum err update_row(struct store *s, const struct admin_account *x)
{
    enum err e = row_change(
        s, ROW_SQL("UPDATE admin_account SET hash = CASE ?2 WHEN '' THEN hash ELSE ?2 END,"
                   "  role = ?3, enabled = ?4, must_change_password = ?5, updated_ms = ?6,"
                   "  revision = revision + 1"
                   " WHERE username = ?1 AND (?7 = 0 OR revision = ?7)",
                   ROW_TEXT(x->username), ROW_TEXT(x->hash), ROW_INT(x->role), ROW_INT(x->enabled),
                   ROW_INT(x->must_change_password), ROW_INT(x->updated_ms), ROW_INT(x->revision)));
    return e == ERR_NOT_FOUND ? missing_or_changed(s, x->username) : e;
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
    return keep_one_admin(s, row_change(s, ROW_SQL("DELETE FROM admin_account WHERE username = ?1",
                                                   ROW_TEXT(username))));
}

enum err admin_rows_logged_in(struct store *s, struct str username, int64_t at_ms)
{
    return row_run(s, ROW_SQL("UPDATE admin_account SET last_login_ms = ?2 WHERE username = ?1",
                              ROW_TEXT(username), ROW_INT(at_ms)));
}

/* --- sessions --- */

enum err admin_rows_session_add(struct store *s, const struct admin_session *x)
{
    return row_run(s, ROW_SQL("INSERT INTO admin_session VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                              ROW_BLOB(x->hash), ROW_TEXT(x->username), ROW_TEXT(x->csrf),
                              ROW_TEXT(x->from), ROW_INT(x->created_ms), ROW_INT(x->seen_ms),
                              ROW_INT(x->expires_ms)));
}

#define SESSION_ID "lower(hex(substr(s.hash, 1, 8)))"
#define SESSION(hash, csrf)                                                                        \
    "SELECT " hash ", a.username, " csrf ", from_address, s.created_ms, seen_ms, expires_ms,"      \
    " " SESSION_ID " FROM admin_session s JOIN admin_account a USING(username) WHERE a.enabled"

static void read_session(struct row *r, void *item)
{
    *(struct admin_session *)item = (struct admin_session){.hash = row_text(r, 0),
                                                           .username = row_text(r, 1),
                                                           .csrf = row_text(r, 2),
                                                           .from = row_text(r, 3),
                                                           .created_ms = row_i64(r, 4),
                                                           .seen_ms = row_i64(r, 5),
                                                           .expires_ms = row_i64(r, 6)};
}

enum err admin_rows_session(struct store *s, struct arena *a, const struct admin_session_ask *ask,
                            struct admin_session *out)
{
    return row_one(
        s,
        ROW_SQL(
            SESSION("s.hash", "csrf") " AND s.hash = ?1 AND expires_ms > ?2 AND seen_ms + ?3 >= ?2",
            ROW_BLOB(ask->hash), ROW_INT(ask->now_ms), ROW_INT(ask->idle_ms)),
        ROW_INTO(read_session, a, out));
}

enum err admin_rows_session_seen(struct store *s, struct str hash, int64_t at_ms)
{
    return row_run(s, ROW_SQL("UPDATE admin_session SET seen_ms = ?2 WHERE hash = ?1",
                              ROW_BLOB(hash), ROW_INT(at_ms)));
}

enum err admin_rows_session_end(struct store *s, struct str hash)
{
    return row_run(s, ROW_SQL("DELETE FROM admin_session WHERE hash = ?1", ROW_BLOB(hash)));
}

enum err admin_rows_sessions_end(struct store *s, struct str username, struct str but)
{
    return row_run(s, ROW_SQL("DELETE FROM admin_session WHERE username = ?1 AND hash <> ?2",
                              ROW_TEXT(username), ROW_BLOB(but)));
}

static void read_shown_session(struct row *r, void *item)
{
    struct admin_session_row *x = item;
    *x = (struct admin_session_row){.id = row_text(r, 7)};
    read_session(r, &x->session);
}

enum err admin_rows_sessions(struct store *s, struct arena *a, const struct admin_session_ask *ask,
                             struct admin_session_row *items, size_t *n)
{
    return row_list(s,
                    ROW_SQL(SESSION("''", "''") " AND expires_ms > ?1 AND seen_ms + ?2 >= ?1"
                                                " AND (?3 = '' OR a.username = ?3)"
                                                " ORDER BY s.created_ms DESC, s.hash LIMIT ?4",
                            ROW_INT(ask->now_ms), ROW_INT(ask->idle_ms), ROW_TEXT(ask->username),
                            ROW_INT(*n)),
                    ROW_INTO(read_shown_session, a, items), n);
}

enum err admin_rows_session_revoke(struct store *s, struct str id, struct str username)
{
    return row_change(s, ROW_SQL("DELETE FROM admin_session AS s WHERE " SESSION_ID " = ?1"
                                 " AND (?2 = '' OR username = ?2)",
                                 ROW_TEXT(id), ROW_TEXT(username)));
}

enum err admin_rows_sessions_count(struct store *s, int64_t now_ms, uint64_t *out)
{
    return row_number(
        s, ROW_SQL("SELECT count(*) FROM admin_session WHERE expires_ms > ?1", ROW_INT(now_ms)),
        out);
}

enum err admin_rows_sessions_purge(struct store *s, int64_t now_ms)
{
    return row_run(s, ROW_SQL("DELETE FROM admin_session WHERE expires_ms <= ?1", ROW_INT(now_ms)));
}

/* --- tokens --- */

#define TOKEN                                                                                      \
    "SELECT id, hash, name, created_by, last_used_from, role, created_ms, expires_ms,"             \
    " last_used_ms FROM admin_token"

static void read_token(struct row *r, void *item)
{
    *(struct admin_token *)item =
        (struct admin_token){.id = row_text(r, 0),
                             .hash = row_text(r, 1),
                             .name = row_text(r, 2),
                             .created_by = row_text(r, 3),
                             .last_used_from = row_text(r, 4),
                             .role = (enum admin_role)row_enum(r, 5, ADMIN_ADMIN),
                             .created_ms = row_i64(r, 6),
                             .expires_ms = row_i64(r, 7),
                             .last_used_ms = row_i64(r, 8)};
}

enum err admin_rows_token_add(struct store *s, const struct admin_token *x)
{
    return row_run(s, ROW_SQL("INSERT INTO admin_token VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '')",
                              ROW_TEXT(x->id), ROW_BLOB(x->hash), ROW_TEXT(x->name),
                              ROW_TEXT(x->created_by), ROW_INT(x->role), ROW_INT(x->created_ms),
                              ROW_INT(x->expires_ms)));
}

enum err admin_rows_token(struct store *s, struct arena *a, struct str id, struct admin_token *out)
{
    return row_one(s, ROW_SQL(TOKEN " WHERE id = ?1", ROW_TEXT(id)), ROW_INTO(read_token, a, out));
}

enum err admin_rows_tokens(struct store *s, struct arena *a, struct admin_token *items, size_t *n)
{
    return row_list(s, ROW_SQL(TOKEN " ORDER BY created_ms DESC, id LIMIT ?1", ROW_INT(*n)),
                    ROW_INTO(read_token, a, items), n);
}

enum err admin_rows_token_used(struct store *s, struct str id, int64_t at_ms, struct str from)
{
    return row_run(
        s, ROW_SQL("UPDATE admin_token SET last_used_ms = ?2, last_used_from = ?3 WHERE id = ?1",
                   ROW_TEXT(id), ROW_INT(at_ms), ROW_TEXT(from)));
}

enum err admin_rows_token_delete(struct store *s, struct str id)
{
    return row_change(s, ROW_SQL("DELETE FROM admin_token WHERE id = ?1", ROW_TEXT(id)));
}
