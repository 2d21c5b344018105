/* e2g_list: one list file of e2guardian with what it includes: entries, its window of time, and the
 * signs for "everything". Owner: e2g_list_fini. */
#ifndef CONVERT_E2G_LIST_H
#define CONVERT_E2G_LIST_H

#include "convert/outcome.h"
#include "convert/upload.h"

#define E2G_INCLUDES_MAX 8    /* one in another */
#define E2G_FILES_MAX    2000 /* of one list: a file that includes itself twice grows fast */

struct e2g_list {
    struct str name;    /* of the file, or its listcategory */
    json_t *entries;    /* texts as written, comments off */
    json_t *windows;    /* of a schedule; empty: always */
    bool has_all;       /* "**": everything that no exception names */
    bool has_addresses; /* "*ip": hosts given by address */
    bool has_https;     /* "**s", "*ips": the same for HTTPS alone */
};

/* ERR_NOT_FOUND: not in the upload (not reported here). ERR_NOMEM. */
enum err e2g_list_read(const struct upload *u, struct str path, struct outcome *o,
                       struct e2g_list *out) MUST_CHECK;
void e2g_list_fini(struct e2g_list *l);

/* The path of a line ".Include<path>"; empty: it is another line. Borrows the line. */
struct str e2g_list_included(struct str line);

#endif
