/* index_file: the mapped categories.idx, reopened when the file was replaced. The mapping lives as
 * long as any snapshot refers to it. Owner: caller's storage. Threads: one at a time. */
#ifndef PROXYD_MAIN_INDEX_FILE_H
#define PROXYD_MAIN_INDEX_FILE_H

#include <sys/stat.h>

#include "policies/category.h"

struct index_file {
    char path[4096];
    struct category_index *index; /* NULL: no categories */
    struct stat st;               /* of the file that is open */
    bool is_open;
};

enum err index_file_init(struct index_file *f, const char *state_dir) MUST_CHECK;
void index_file_fini(struct index_file *f);

/* Looks whether another file is there now and opens it. *is_new: f->index is another one than
 * before. ERR_CORRUPT, ERR_NOMEM, ERR_DENIED: the former one stays. No file at all is OK. */
enum err index_file_refresh(struct index_file *f, bool *is_new) MUST_CHECK;
bool index_file_has_changed(const struct index_file *f);

#endif
