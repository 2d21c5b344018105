/* list_check: one walk over the names of an import. */
#include "db/list_check.h"

#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names nearly every network needs, in byte order. A list that holds one whole is more often a
 * mistake of the day than an intention. */
static const char *const popular[] = {
    "adobe.com",
    "akamai.net",
    "akamaiedge.net",
    "akamaihd.net",
    "amazon.com",
    "amazonaws.com",
    "apple.com",
    "azure.com",
    "bing.com",
    "bitbucket.org",
    "cdnjs.com",
    "cisco.com",
    "cloudflare.com",
    "cloudfront.net",
    "debian.org",
    "digicert.com",
    "docker.com",
    "docker.io",
    "dropbox.com",
    "duckduckgo.com",
    "edgekey.net",
    "edgesuite.net",
    "fastly.net",
    "fedoraproject.org",
    "firefox.com",
    "github.com",
    "github.io",
    "githubusercontent.com",
    "gitlab.com",
    "gmail.com",
    "google.com",
    "googleapis.com",
    "googlevideo.com",
    "gstatic.com",
    "icloud.com",
    "jsdelivr.net",
    "letsencrypt.org",
    "linkedin.com",
    "live.com",
    "microsoft.com",
    "microsoftonline.com",
    "mozilla.com",
    "mozilla.net",
    "mozilla.org",
    "msftconnecttest.com",
    "npmjs.org",
    "office.com",
    "office.net",
    "office365.com",
    "openai.com",
    "oracle.com",
    "outlook.com",
    "paypal.com",
    "pypi.org",
    "redhat.com",
    "salesforce.com",
    "sharepoint.com",
    "skype.com",
    "slack.com",
    "stackoverflow.com",
    "ubuntu.com",
    "unpkg.com",
    "visualstudio.com",
    "whatsapp.com",
    "wikimedia.org",
    "wikipedia.org",
    "windows.com",
    "windows.net",
    "windowsupdate.com",
    "yahoo.com",
    "youtube.com",
    "zoom.us",
};

static int by_text(const void *key, const void *each)
{
    return str_cmp(*(const struct str *)key, str_of(*(const char *const *)each));
}

static bool is_popular(struct str name)
{
    return bsearch(&name, popular, sizeof popular / sizeof *popular, sizeof *popular, by_text);
}

/* Suffixes have few labels, so most names need no look into the list. */
static bool is_suffix(const psl_ctx_t *psl, struct str name)
{
    char text[256];
    unsigned dots = 0;
    for (size_t i = 0; i < name.n; i++)
        dots += name.p[i] == '.';
    if (dots > 4 || name.n >= sizeof text)
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return psl_is_public_suffix2(psl, text, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

static struct list_warning *add(struct list_warnings *w, enum list_warning_code code,
                                struct str category)
{
    if (w->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 8;
        struct list_warning *v = realloc(w->v, cap * sizeof *v);
        if (!v)
            return NULL;
        w->v = v;
        w->cap = cap;
    }
    struct list_warning *one = &w->v[w->n++];
    *one = (struct list_warning){.code = code, .category = category};
    return one;
}

struct looking {
    const psl_ctx_t *psl;
    struct list_warning suffix, popular;
};

static void note(struct list_warning *w, struct str entry)
{
    if (w->n_entries < LIST_CHECK_SHOWN)
        w->entries[w->n_entries++] = entry;
    w->n++;
}

static bool look(void *ctx, struct str entry)
{
    struct looking *l = ctx;
    if (is_suffix(l->psl, entry))
        note(&l->suffix, entry);
    else if (is_popular(entry))
        note(&l->popular, entry);
    return true;
}

static enum err keep(struct list_warnings *out, const struct list_warning *w, const char *what)
{
    struct list_warning *one = w->n ? add(out, w->code, w->category) : NULL;
    if (!one)
        return w->n ? ERR_NOMEM : OK;
    *one = *w;
    snprintf(one->text, sizeof one->text, "%.*s: %.*s%s %s", STR_ARG(w->category),
             STR_ARG(str_sub(w->entries[0], 0, 80)), w->n > 1 ? " and others" : "", what);
    return OK;
}

enum err list_check_names(const struct list_import *im, struct list_warnings *out)
{
    const psl_ctx_t *psl = psl_builtin();
    for (size_t i = 0; i < list_import_count(im); i++) {
        struct str name = list_import_at(im, i)->name;
        struct looking l = {.psl = psl,
                            .suffix = {.code = LIST_WARNING_SUFFIX, .category = name},
                            .popular = {.code = LIST_WARNING_POPULAR, .category = name}};
        list_import_each(im, i, LIST_DOMAINS, &(struct list_visit){look, &l});
        enum err e = keep(out, &l.suffix,
                          l.suffix.n == 1
                              ? "is a public suffix: one entry covers all names registered below it"
                              : "are public suffixes: each covers all names registered below it");
        if (e == OK)
            e = keep(out, &l.popular,
                     l.popular.n == 1 ? "is a name that nearly every network needs"
                                      : "are names that nearly every network needs");
        if (e != OK)
            return e;
    }
    return OK;
}

enum err list_check_change(const struct list_import *im, struct list_warnings *out)
{
    for (size_t i = 0; i < list_import_count(im); i++) {
        const struct list_import_category *x = list_import_at(im, i);
        if (x->before < LIST_CHECK_SHRUNK_OF ||
            (x->before - x->removed + x->added) * 100 > x->before * (100 - LIST_CHECK_SHRUNK))
            continue;
        struct list_warning *w = add(out, LIST_WARNING_SHRUNK, x->name);
        if (!w)
            return ERR_NOMEM;
        w->n = x->removed;
        snprintf(w->text, sizeof w->text, "%.*s: %llu of %llu entries would be gone",
                 STR_ARG(x->name), (unsigned long long)x->removed, (unsigned long long)x->before);
    }
    return OK;
}

void list_check_fini(struct list_warnings *w)
{
    free(w->v);
    *w = (struct list_warnings){0};
}

const char *list_check_code(enum list_warning_code c)
{
    static const char *const names[] = {"public-suffix", "popular", "shrunk"};
    return names[c];
}
