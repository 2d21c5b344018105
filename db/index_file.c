/* index_file: stat, map, open. */
#include "db/index_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mapfile.h"

enum err index_file_init(struct index_file *f, const char *path)
{
    *f = (struct index_file){0};
    int n = snprintf(f->main.path, sizeof f->main.path, "%s", path);
    int m = snprintf(f->local.path, sizeof f->local.path, "%s" INDEX_FILE_LOCAL, path);
    return n > 0 && m > n && (size_t)m < sizeof f->local.path ? OK : ERR_LIMIT;
}

void index_file_fini(struct index_file *f)
{
    category_index_unref(f->index);
    category_index_unref(f->main.opened);
    category_index_unref(f->local.opened);
    *f = (struct index_file){0};
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool part_has_changed(const struct index_file_part *p, struct stat *st)
{
    if (stat(p->path, st) != 0)
        return false;
    return !p->is_seen || !is_same(st, &p->st);
}

bool index_file_has_changed(const struct index_file *f)
{
    struct stat st;
    return part_has_changed(&f->main, &st) || part_has_changed(&f->local, &st);
}

bool index_file_is_damaged(const struct index_file *f)
{
    return f->main.is_damaged || f->local.is_damaged;
}

static void unmap(void *ctx)
{
    struct mapfile *m = ctx;
    mapfile_close(m);
    free(m);
}

static enum err map(const char *path, struct category_file *out)
{
    struct mapfile *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    enum err e = mapfile_open(m, path);
    if (e != OK) {
        free(m);
        return e;
    }
    *out = (struct category_file){str_make(m->p, m->n), unmap, m};
    return OK;
}

static enum err open_main(struct index_file_part *p)
{
    struct category_file file;
    struct category_index *x;
    enum err e = map(p->path, &file);
    if (e != OK)
        return e;
    e = category_index_open_like(&file, p->opened, &x);
    if (e != OK) {
        file.release(file.ctx);
        return e;
    }
    category_index_unref(p->opened);
    p->opened = x;
    return OK;
}

/* Covers anew when either file is another one: the numbers of categories depend on both. */
static enum err open_local(struct index_file *f)
{
    struct category_file file;
    struct category_index *x;
    enum err e = map(f->local.path, &file);
    if (e == ERR_NOT_FOUND)
        return OK;
    if (e != OK)
        return e;
    e = category_index_cover(f->main.opened, &file, &x);
    if (e != OK) {
        file.release(file.ctx);
        return e;
    }
    category_index_unref(f->local.opened);
    f->local.opened = x;
    return OK;
}

static void note(struct index_file_part *p, const struct stat *st, enum err e)
{
    p->st = *st;
    p->is_seen = true;
    p->is_damaged = e != OK;
}

enum err index_file_refresh(struct index_file *f, bool *is_new)
{
    struct stat main_st, local_st;
    bool main_changed = part_has_changed(&f->main, &main_st);
    bool local_changed = part_has_changed(&f->local, &local_st);
    enum err e = OK, le = OK;
    *is_new = false;
    if (!main_changed && !local_changed)
        return index_file_is_damaged(f) ? ERR_CORRUPT : OK;
    if (main_changed) {
        e = open_main(&f->main);
        note(&f->main, &main_st, e);
    }
    le = open_local(f);
    if (local_changed)
        note(&f->local, &local_st, le);
    struct category_index *x = f->local.opened ? f->local.opened : f->main.opened;
    if (x && x != f->index) {
        category_index_unref(f->index);
        f->index = category_index_ref(x);
        *is_new = true;
    }
    if (e == OK)
        e = le;
    return e == OK && index_file_is_damaged(f) ? ERR_CORRUPT : e;
}
