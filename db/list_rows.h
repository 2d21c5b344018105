/* list_rows: categories, what they hold by kind whatever source it came from (list_sources.h), and
 * the report of their last import.
 * adminui writes. Borrows: texts are copied into the caller's arena. Threads: as the store handle.
 */
#ifndef DB_LIST_ROWS_H
#define DB_LIST_ROWS_H

#include "base/buf.h"
#include "db/store.h"

enum list_kind {
    LIST_DOMAINS,     /* normal host names, no leading dot: the name and all below it */
    LIST_URLS,        /* host[:port]/path[?query] in normal form without scheme: a prefix */
    LIST_EXPRESSIONS, /* PCRE2, caseless, on the normal URL */
    LIST_IPS,         /* addresses and networks as cidr_format writes them */
    LIST_EXCEPTIONS,  /* names that are not in the category although a parent is */
};
#define LIST_KINDS 5

const char *list_kind_name(enum list_kind k); /* "domains" ... */

struct list_category {
    struct str name; /* key; 1..64 of a-z 0-9 - _ . */
    struct str title, description;
    struct str source;           /* file name or URL of the last import */
    struct str format;           /* what the last import was read as */
    uint64_t counts[LIST_KINDS]; /* over all sources: what two of them have counts twice */
    uint64_t revision;           /* rises with every change of row or content: the ETag */
    int64_t content_at_ms;       /* content last changed; 0: never had any */
    int64_t created_ms;
};

bool list_rows_is_name(struct str name);

enum err list_rows_category(struct store *s, struct arena *a, struct str name,
                            struct list_category *out) MUST_CHECK; /* ERR_NOT_FOUND */
/* All by name. *items lives in the arena. */
enum err list_rows_categories(struct store *s, struct arena *a, struct list_category **items,
                              size_t *n) MUST_CHECK;
/* Creates it, or changes title, description and source. expected: revision as seen, 0: do not ask.
 * c->created_ms is used on creation. ERR_INVALID: the name; ERR_CONFLICT. */
enum err list_rows_put(struct store *s, const struct list_category *c,
                       uint64_t expected) MUST_CHECK;
/* With content and report. ERR_NOT_FOUND, ERR_CONFLICT (expected as above). */
enum err list_rows_delete(struct store *s, struct str name, uint64_t expected) MUST_CHECK;

/* Called for each different entry of all sources in order; false stops (the walk then gives OK).
 * The view lives for the call. */
struct list_visit {
    bool (*entry)(void *ctx, struct str text);
    void *ctx;
};
/* A category without content of the kind: OK and no call. ERR_CORRUPT: the blob is damaged. */
enum err list_rows_each(struct store *s, struct str name, enum list_kind kind,
                        const struct list_visit *v) MUST_CHECK;
/* Changes when the content of any category does, local entries left out: tells whether
 * categories.idx is current. */
enum err list_rows_content_stamp(struct store *s, uint64_t *out) MUST_CHECK;

#define LIST_REJECTS_MAX 1000

struct list_reject {
    uint64_t line;   /* 1 is the first */
    struct str file; /* inside an archive; else empty */
    struct str text; /* at most 200 bytes of the line */
    struct str reason;
};

struct list_report { /* of the last import of a category */
    int64_t at_ms;
    struct str format, source;
    uint64_t accepted, duplicates, n_rejected, added, removed;
    struct list_reject *rejects; /* the first LIST_REJECTS_MAX */
    size_t n_rejects;
};

enum err list_rows_put_report(struct store *s, struct str category,
                              const struct list_report *r) MUST_CHECK;
enum err list_rows_report(struct store *s, struct arena *a, struct str category,
                          struct list_report *out) MUST_CHECK; /* ERR_NOT_FOUND */

#endif
