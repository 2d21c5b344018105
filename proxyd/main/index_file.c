/* index_file: stat, map, open. */
#include "proxyd/main/index_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mapfile.h"

enum err index_file_init(struct index_file *f, const char *state_dir)
{
    *f = (struct index_file){0};
    int n = snprintf(f->path, sizeof f->path, "%s/categories.idx", state_dir);
    return n > 0 && (size_t)n < sizeof f->path ? OK : ERR_LIMIT;
}

void index_file_fini(struct index_file *f)
{
    category_index_unref(f->index);
    f->index = NULL;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool index_file_has_changed(const struct index_file *f)
{
    struct stat st;
    if (stat(f->path, &st) != 0)
        return f->is_open;
    return !f->is_open || !is_same(&st, &f->st);
}

static void unmap(void *ctx)
{
    struct mapfile *m = ctx;
    mapfile_close(m);
    free(m);
}

enum err index_file_refresh(struct index_file *f, bool *is_new)
{
    struct stat st;
    *is_new = false;
    if (stat(f->path, &st) != 0 || (f->is_open && is_same(&st, &f->st)))
        return OK; /* a file that is gone is no reason to forget what it said */
    struct mapfile *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    enum err e = mapfile_open(m, f->path);
    if (e != OK) {
        free(m);
        return e;
    }
    struct category_index *x;
    e = category_index_open(str_make(m->p, m->n), unmap, m, &x);
    if (e != OK) {
        unmap(m);
        return e;
    }
    category_index_unref(f->index);
    f->index = x;
    f->st = st;
    f->is_open = true;
    *is_new = true;
    return OK;
}
