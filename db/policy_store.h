/* policy_store: opening policy.db: the file, its integrity and its schema. adminui opens it for
 * writing (and so creates and migrates it), proxyd read-only. See: store.h for the handle,
 * migrate.h for the steps. Threads: one at a time per handle. */
#ifndef DB_POLICY_STORE_H
#define DB_POLICY_STORE_H

#include "db/store.h"

/* STORE_WRITE: created when missing, checked for damage, migrated.
 * STORE_READ: ERR_NOT_FOUND while there is no file or no schema yet (try again later);
 * ERR_UNSUPPORTED when a newer program has written it; ERR_CORRUPT.
 * why is one sentence for the operator, naming the file. */
enum err policy_store_open(const char *path, enum store_mode mode, char why[STORE_WHY_BYTES],
                           struct store **out) MUST_CHECK;

/* One consistent copy of the database in a new file (VACUUM INTO), while others go on. The target
 * must not exist: ERR_EXISTS. ERR_FULL, ERR_DENIED, ERR_IO; a half-written file is removed. */
enum err policy_store_backup(struct store *s, const char *to_path) MUST_CHECK;

#endif
