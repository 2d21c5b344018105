/* squid_config: one pass a file; an include is read where it stands. */
#include "convert/squid_config.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTIVES_MAX 200000
#define WORDS_MAX      20000 /* of one line */

struct reading {
    const struct upload *upload;
    struct outcome *o;
    struct squid_config *out;
    unsigned depth, n_files;
};

void squid_config_fini(struct squid_config *c)
{
    free(c->v);
    *c = (struct squid_config){0};
}

/* The whole of a directive: a backslash at the end goes on in the next line. */
static bool directive_text(struct upload_cursor *at, struct arena *a, struct str *text,
                           unsigned *line)
{
    if (!upload_line(at, text))
        return false;
    *line = at->line;
    struct buf joined;
    buf_init(&joined, 1u << 20);
    while (text->n && text->p[text->n - 1] == '\\') {
        struct str next;
        buf_add(&joined, str_sub(*text, 0, text->n - 1));
        buf_add_c(&joined, ' ');
        if (!upload_line(at, &next))
            next = (struct str){0};
        *text = next;
    }
    if (joined.n) {
        buf_add(&joined, *text);
        *text = arena_str(a, buf_str(&joined));
    }
    buf_fini(&joined);
    *text = str_trim(*text);
    return true;
}

/* A quoted word ends at the same quote; a word that begins with '#' begins a comment. */
static bool next_word(struct str *rest, struct squid_word *w)
{
    *rest = str_trim(*rest);
    if (!rest->n || rest->p[0] == '#')
        return false;
    if (rest->p[0] == '"') {
        size_t end = str_find(str_sub(*rest, 1, rest->n), '"');
        end = end == STR_NPOS ? rest->n : end + 1;
        *w = (struct squid_word){str_sub(*rest, 1, end), true};
        *rest = str_sub(*rest, end + 1, rest->n);
        return true;
    }
    w->is_quoted = false;
    return upload_word(rest, &w->text);
}

static enum err add_directive(struct reading *r, const struct squid_directive *d)
{
    struct squid_config *c = r->out;
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 256;
        if (cap > DIRECTIVES_MAX)
            return ERR_LIMIT;
        struct squid_directive *v = realloc(c->v, cap * sizeof *v);
        if (!v)
            return ERR_NOMEM;
        c->v = v;
        c->cap = cap;
    }
    c->v[c->n++] = *d;
    return OK;
}

static enum err split(struct reading *r, struct squid_directive *d)
{
    struct squid_word w;
    struct str rest = d->text;
    while (next_word(&rest, &w))
        d->n++;
    if (d->n > WORDS_MAX)
        return ERR_LIMIT;
    d->words = arena_alloc(&r->o->arena, (d->n + 1) * sizeof *d->words);
    if (!d->words)
        return ERR_NOMEM;
    rest = d->text;
    for (size_t i = 0; next_word(&rest, &w); i++)
        d->words[i] = w;
    return OK;
}

static enum err read_file(struct reading *r, const struct upload_file *file);

/* "include /etc/squid/conf.d/<star>.conf": every file of the upload whose name fits. */
static enum err include(struct reading *r, const struct squid_directive *d)
{
    enum err e = OK;
    if (r->depth >= SQUID_INCLUDES_MAX)
        return ERR_LIMIT;
    for (size_t i = 1; i < d->n && e == OK; i++) {
        struct str path = d->words[i].text;
        bool is_glob = str_find(path, '*') != STR_NPOS || str_find(path, '?') != STR_NPOS;
        size_t found = 0;
        const struct upload_file *one = is_glob ? NULL : upload_find(r->upload, path);
        char *glob = str_dup(upload_base(path));
        for (size_t k = 0; k < r->upload->n && e == OK; k++) {
            const struct upload_file *f = &r->upload->v[k];
            char *name = str_dup(upload_base(f->name));
            bool fits = is_glob ? glob && name && fnmatch(glob, name, 0) == 0 : f == one;
            free(name);
            if (!fits)
                continue;
            found++;
            e = read_file(r, f);
        }
        free(glob);
        struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
        row.kind = found ? OUTCOME_TRANSLATED : OUTCOME_DROPPED;
        outcome_report(r->o, &row,
                       found ? "" : "The file is not in the upload: add it and try again.");
    }
    return e;
}

static enum err read_file(struct reading *r, const struct upload_file *file)
{
    struct upload_cursor at = {file->bytes, 0};
    struct squid_directive d = {.file = file->name};
    enum err e = OK;
    if (r->n_files++ == SQUID_FILES_MAX)
        return ERR_LIMIT;
    r->depth++;
    while (e == OK && directive_text(&at, &r->o->arena, &d.text, &d.line)) {
        d.n = 0;
        if (!d.text.n || d.text.p[0] == '#')
            continue;
        e = split(r, &d);
        if (e == OK && d.n && str_eq(d.words[0].text, STR("include")))
            e = include(r, &d);
        else if (e == OK && d.n)
            e = add_directive(r, &d);
    }
    r->depth--;
    return e;
}

enum err squid_config_read(const struct upload *u, const struct upload_file *file,
                           struct outcome *o, struct squid_config *out)
{
    struct reading r = {.upload = u, .o = o, .out = out};
    return read_file(&r, file);
}
