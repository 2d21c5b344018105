/* admin_rows: the people who administer: accounts, their sessions and API tokens. Secrets arrive as
 * hashes and stay so: a password as an argon2 string, a session or token as its SHA-256 (32 bytes).
 * adminui alone calls this. Borrows: texts are copied into the caller's arena. Threads: as the
 * store handle. */
#ifndef DB_ADMIN_ROWS_H
#define DB_ADMIN_ROWS_H

#include "db/store.h"

enum admin_role { ADMIN_VIEWER, ADMIN_AUDITOR, ADMIN_EDITOR, ADMIN_ADMIN };

const char *admin_role_name(enum admin_role r); /* "viewer" ... "admin" */
bool admin_role_from_name(struct str s, enum admin_role *out);

#define ADMIN_HASH_BYTES 32

struct admin_account {
    struct str username; /* compared without ASCII case */
    struct str hash;     /* argon2 encoded string */
    enum admin_role role;
    bool enabled, must_change_password;
    uint64_t revision; /* the ETag */
    int64_t created_ms, updated_ms;
    int64_t last_login_ms; /* 0: never */
};

enum err admin_rows_account(struct store *s, struct arena *a, struct str username,
                            struct admin_account *out) MUST_CHECK;
/* All accounts by name, at most *n; *n becomes how many. */
enum err admin_rows_accounts(struct store *s, struct arena *a, struct admin_account *items,
                             size_t *n) MUST_CHECK;
enum err admin_rows_create(struct store *s,
                           const struct admin_account *x) MUST_CHECK; /* ERR_EXISTS */
/* Everything but name, created and last login. x->revision as seen (0: do not ask): ERR_CONFLICT.
 * An empty hash keeps the stored one. ERR_DENIED: it would leave no enabled admin. ERR_NOT_FOUND.
 */
enum err admin_rows_update(struct store *s, const struct admin_account *x) MUST_CHECK;
/* Sessions of the account go too. ERR_DENIED: the last enabled admin. ERR_NOT_FOUND. */
enum err admin_rows_delete(struct store *s, struct str username) MUST_CHECK;
enum err admin_rows_logged_in(struct store *s, struct str username, int64_t at_ms) MUST_CHECK;

struct admin_session {
    struct str hash; /* ADMIN_HASH_BYTES */
    struct str username, csrf, from;
    int64_t created_ms, seen_ms, expires_ms; /* expires: the absolute bound */
};

enum err admin_rows_session_add(struct store *s, const struct admin_session *x) MUST_CHECK;
/* ERR_NOT_FOUND also when expired, idle (seen_ms + idle_ms < now_ms), or the account is disabled.
 */
struct admin_session_ask {
    struct str username; /* of a list alone; empty: everybody's */
    struct str hash;
    int64_t now_ms, idle_ms;
};
enum err admin_rows_session(struct store *s, struct arena *a, const struct admin_session_ask *ask,
                            struct admin_session *out) MUST_CHECK;
enum err admin_rows_session_seen(struct store *s, struct str hash, int64_t at_ms) MUST_CHECK;
enum err admin_rows_session_end(struct store *s, struct str hash) MUST_CHECK; /* gone already: OK */
/* All of one account but the one named (empty: all of them). */
enum err admin_rows_sessions_end(struct store *s, struct str username, struct str but) MUST_CHECK;
/* Those that are not over at now_ms, newest first, of one account or (empty) of all; without hash
 * and csrf. At most *n into items; *n becomes how many. */
struct admin_session_row {
    struct str id; /* the first bytes of the hash, as 16 hex digits */
    struct admin_session session;
};
enum err admin_rows_sessions(struct store *s, struct arena *a, const struct admin_session_ask *ask,
                             struct admin_session_row *items, size_t *n) MUST_CHECK;
/* username: as above. ERR_NOT_FOUND. */
enum err admin_rows_session_revoke(struct store *s, struct str id, struct str username) MUST_CHECK;
enum err admin_rows_sessions_count(struct store *s, int64_t now_ms, uint64_t *out) MUST_CHECK;
enum err admin_rows_sessions_purge(struct store *s, int64_t now_ms) MUST_CHECK;

struct admin_token {
    struct str id;   /* public part */
    struct str hash; /* ADMIN_HASH_BYTES, of the secret part */
    struct str name, created_by;
    enum admin_role role;
    int64_t created_ms, expires_ms;
    int64_t last_used_ms; /* 0: never */
    struct str last_used_from;
};

enum err admin_rows_token_add(struct store *s, const struct admin_token *x) MUST_CHECK;
enum err admin_rows_token(struct store *s, struct arena *a, struct str id,
                          struct admin_token *out) MUST_CHECK; /* expired ones too */
enum err admin_rows_tokens(struct store *s, struct arena *a, struct admin_token *items,
                           size_t *n) MUST_CHECK; /* newest first */
enum err admin_rows_token_used(struct store *s, struct str id, int64_t at_ms,
                               struct str from) MUST_CHECK;
enum err admin_rows_token_delete(struct store *s, struct str id) MUST_CHECK; /* ERR_NOT_FOUND */

#endif
