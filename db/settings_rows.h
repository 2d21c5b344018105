/* settings_rows: named JSON documents with a version each ("directory", "proxy", "pac", ...).
 * Stored and returned as text; their meaning is in settings_directory, settings_proxy, pac_parse.
 * Borrows: text is copied into the caller's arena. Threads: as the store handle. */
#ifndef DB_SETTINGS_ROWS_H
#define DB_SETTINGS_ROWS_H

#include "db/store.h"

struct settings_row {
    struct str name, document, author;
    uint64_t version; /* 1 at first put, rises with each: the ETag */
    int64_t at_ms;
};

/* ERR_NOT_FOUND: never stored. */
enum err settings_rows_get(struct store *s, struct arena *a, struct str name,
                           struct settings_row *out) MUST_CHECK;
/* Stores r->name, document, author, at_ms. expected: the version the caller has seen, 0: none yet.
 * ERR_CONFLICT otherwise. *version (not NULL) is the new one. */
enum err settings_rows_put(struct store *s, const struct settings_row *r, uint64_t expected,
                           uint64_t *version) MUST_CHECK;
/* Sum of all versions: changes whenever any document does. */
enum err settings_rows_stamp(struct store *s, uint64_t *out) MUST_CHECK;

#endif
