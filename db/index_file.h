/* index_file: the mapped categories.idx and, over it, categories.idx.local (what was entered by
 * hand), each reopened alone when it was replaced. A mapping lives as long as any snapshot refers
 * to it. A damaged file leaves the last good one in force. Used by proxyd and adminui.
 * Owner: caller's storage. Threads: one at a time. */
#ifndef DB_INDEX_FILE_H
#define DB_INDEX_FILE_H

#include <sys/stat.h>

#include "policies/category.h"

#define INDEX_FILE_LOCAL ".local" /* behind the path of the index */

struct index_file_part {
    char path[4096];
    struct category_index *opened; /* of the local part: over the other one */
    struct stat st;                /* of the file that was looked at last */
    bool is_seen, is_damaged;
};

struct index_file {
    struct index_file_part main, local;
    struct category_index *index; /* of both; NULL: no categories. Borrowed by callers */
};

/* path: of categories.idx. ERR_LIMIT. */
enum err index_file_init(struct index_file *f, const char *path) MUST_CHECK;
void index_file_fini(struct index_file *f);

/* Looks whether other files are there now and opens them. *is_new: f->index is another one than
 * before. ERR_CORRUPT, ERR_NOMEM, ERR_DENIED: the former one stays; the same file is not read again
 * but answered ERR_CORRUPT. No file at all is OK, and no reason to forget what it said. */
enum err index_file_refresh(struct index_file *f, bool *is_new) MUST_CHECK;
bool index_file_has_changed(const struct index_file *f);
bool index_file_is_damaged(const struct index_file *f); /* as of the last refresh */

#endif
