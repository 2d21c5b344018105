/* list_check: looks an import over before it is published, for entries that cover far more than a
 * list can mean: public suffixes (one "co.uk" blocks a country) and names that half of all traffic
 * needs; and for an import that has lost most of what its source had. Warnings, not refusals: what
 * becomes of them is the caller's choice. Pure but for the public suffix list, which libpsl brings.
 * Threads: safe anywhere. */
#ifndef DB_LIST_CHECK_H
#define DB_LIST_CHECK_H

#include "db/list_import.h"

#define LIST_CHECK_SHOWN     20 /* entries told of each warning */
#define LIST_CHECK_SHRUNK    50 /* per cent lost of what was there */
#define LIST_CHECK_SHRUNK_OF 50 /* entries that must have been there for that to mean anything */

enum list_warning_code { LIST_WARNING_SUFFIX, LIST_WARNING_POPULAR, LIST_WARNING_SHRUNK };

struct list_warning {
    enum list_warning_code code;
    struct str category;                  /* borrowed from the import */
    uint64_t n;                           /* entries, or entries lost */
    struct str entries[LIST_CHECK_SHOWN]; /* the first of them, borrowed from the import */
    size_t n_entries;
    char text[240]; /* one sentence */
};

struct list_warnings {
    struct list_warning *v; /* malloc'ed */
    size_t n, cap;
};

const char *list_check_code(enum list_warning_code c); /* "public-suffix", "popular", "shrunk" */

/* What the names themselves say. *out is added to; list_check_fini also on an error. ERR_NOMEM. */
enum err list_check_names(const struct list_import *im, struct list_warnings *out) MUST_CHECK;
/* What the comparison says, after list_import_save (a dry run will do) in replacing mode. */
enum err list_check_change(const struct list_import *im, struct list_warnings *out) MUST_CHECK;
void list_check_fini(struct list_warnings *w);

#endif
