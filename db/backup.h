/* backup: policy.db as one file to take away: documents and versions, lists and categories,
 * settings, people, administrators and tokens (as hashes), the audit trail to read. It is a SQLite
 * file of our schema, consistent, without sessions, and without secrets in clear unless asked for.
 * See restore.h for the way back. Called by adminui. Threads: as the store handle. */
#ifndef DB_BACKUP_H
#define DB_BACKUP_H

#include "db/store.h"

/* Writes a new file (ERR_EXISTS), readable by its owner alone. at_ms: now. A half-written file is
 * removed. why (STORE_WHY_BYTES) on failure: one sentence. */
struct backup_order {
    const char *path;
    bool with_secrets;
    int64_t at_ms;
};
enum err backup_write(struct store *s, const struct backup_order *o,
                      char why[STORE_WHY_BYTES]) MUST_CHECK;

#endif
