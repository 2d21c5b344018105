/* restore: the way back from a backup. What tells the truth about this machine is left alone: its
 * audit trail, its published versions (those of the backup are added where the number is free, and
 * the backup's live document becomes a new version), its changes under way. Everything else is
 * replaced by what the file holds; a secret that the file does not hold stays as it is here.
 * Called by adminui. Threads: as the store handle. */
#ifndef DB_RESTORE_H
#define DB_RESTORE_H

#include "db/store.h"

struct restore_info {
    int64_t made_ms; /* 0: a plain copy of policy.db */
    bool has_secrets;
    uint64_t schema; /* steps, as it came */
    uint64_t live_version, n_versions, n_categories, n_people, n_accounts, n_tokens, n_settings,
        n_audit;
};

/* Looks at a file that somebody brings, and brings it up to our schema: the file is changed, so it
 * must be a copy. ERR_INVALID with why: no backup, damaged, of a newer program, with tables or
 * triggers that are not ours, nobody could administer it, no live policy. `path` and a few names
 * beside it are written to. */
enum err restore_look(const char *path, char why[STORE_WHY_BYTES],
                      struct restore_info *out) MUST_CHECK;

/* The live document and the settings of a file that restore_look found good, copied. */
struct restore_setting {
    struct str name, document;
};
struct restore_content {
    struct str live;
    struct restore_setting *settings;
    size_t n_settings;
};
enum err restore_content(const char *path, struct arena *a, char why[STORE_WHY_BYTES],
                         struct restore_content *out) MUST_CHECK;

struct restore_order {
    const char *path; /* restore_look was OK */
    bool keeps_accounts;
    struct str author, comment; /* of the version that becomes live */
    int64_t at_ms;
    uint32_t n_rules;
};
struct restore_done {
    uint64_t version;           /* live now */
    bool is_new_version;        /* false: it was live already */
    uint64_t n_versions_added;  /* of the backup */
    uint64_t n_versions_apart;  /* same number, other document: ours stays */
    unsigned n_secrets_missing; /* neither in the backup nor here */
};
/* Replaces what is live by the file's content in the transaction that is open already or in one of
 * its own. After an error nothing is changed. The file must be attached first, outside of any
 * transaction. */
enum err restore_attach(struct store *s, const char *path) MUST_CHECK;
enum err restore_run(struct store *s, const struct restore_order *how,
                     struct restore_done *out) MUST_CHECK;
void restore_detach(struct store *s);

#endif
