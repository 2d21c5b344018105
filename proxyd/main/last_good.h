/* last_good: the document of the last policy that ran, kept beside the store as one file, so that
 * filtering comes up at boot although policy.db is damaged or gone.
 * The file: one line "version", a newline, the JSON text. Threads: one at a time. */
#ifndef PROXYD_MAIN_LAST_GOOD_H
#define PROXYD_MAIN_LAST_GOOD_H

#include "base/arena.h"

/* Replaces the file through a rename. ERR_FULL, ERR_DENIED, ERR_IO. */
enum err last_good_save(const char *state_dir, uint64_t version, struct str document) MUST_CHECK;
/* The document lives in the arena. ERR_NOT_FOUND, ERR_CORRUPT, ERR_NOMEM. */
enum err last_good_load(const char *state_dir, struct arena *a, uint64_t *version,
                        struct str *document) MUST_CHECK;

#endif
