/* identity_rows: people known to this proxy itself, without a directory. adminui writes, proxyd
 * reads (main hands proxyd/identity a function over this). Names are compared without ASCII case.
 * Borrows: texts are copied into the caller's arena. Threads: as the store handle. */
#ifndef DB_IDENTITY_ROWS_H
#define DB_IDENTITY_ROWS_H

#include "db/store.h"

struct identity_user {
    struct str name;
    struct str hash;   /* argon2 encoded string; empty: may not log in */
    struct str groups; /* names with '\n' between, as in struct record */
    struct str comment;
    bool enabled;
    uint64_t revision; /* rises with every change of this user: the ETag */
    int64_t created_ms, updated_ms;
};

struct identity_page {
    struct str query; /* part of the name or comment, without case; empty: all */
    struct str after; /* names above this one; empty: from the first */
};

enum err identity_rows_get(struct store *s, struct arena *a, struct str name,
                           struct identity_user *out) MUST_CHECK;
/* By name, at most *n into items (the caller's array); *n becomes how many. */
enum err identity_rows_list(struct store *s, struct arena *a, const struct identity_page *page,
                            struct identity_user *items, size_t *n) MUST_CHECK;
/* ERR_EXISTS. created_ms is taken from updated_ms. */
enum err identity_rows_create(struct store *s, const struct identity_user *u) MUST_CHECK;
/* Everything but the name. u->revision is what the caller has seen: ERR_CONFLICT when it is
 * another, 0 does not ask. An empty hash keeps the stored one. ERR_NOT_FOUND. */
enum err identity_rows_update(struct store *s, const struct identity_user *u) MUST_CHECK;
enum err identity_rows_delete(struct store *s, struct str name) MUST_CHECK; /* ERR_NOT_FOUND */
/* Rises with every change of any user, deletions too: tells a cache that it is stale. */
enum err identity_rows_counter(struct store *s, uint64_t *out) MUST_CHECK;
enum err identity_rows_count(struct store *s, uint64_t *out) MUST_CHECK;

#endif
