/* list_sources: the content of a category, source by source: what was uploaded, what was entered by
 * hand, what each subscription brought. The category is the union of them. Every entry knows since
 * when its source has had it, across refreshes. Content is one zstd blob per category, source and
 * kind (entries in byte order, each ended by '\n') and beside it one of 32-bit seconds, one an
 * entry; the latter is empty while all entries are as old as the source.
 * adminui writes. Borrows: texts are copied into the caller's arena. Threads: as the store handle.
 * Limit: a blob below 1 GB (SQLite), which is some 200 million names. */
#ifndef DB_LIST_SOURCES_H
#define DB_LIST_SOURCES_H

#include "db/list_rows.h"

#define LIST_SOURCE_UPLOAD                                                                         \
    STR("upload") /* files people bring; also all that is older than sources */
#define LIST_SOURCE_LOCAL                                                                          \
    STR("local") /* entries added (and, as exceptions, taken away) by hand                         \
                  */
/* and "sub:<id>" for each subscription */

struct list_source { /* of one category */
    struct str category, source;
    struct str title;  /* for people: a file name, the subscription's name */
    struct str format; /* what its last import was read as */
    uint64_t counts[LIST_KINDS];
    int64_t created_ms, updated_ms; /* first and last content */
};

/* 1..80 of a-z 0-9 - _ . : */
bool list_sources_is_name(struct str source);

/* By category and source; category empty: of all categories. *items lives in the arena. */
enum err list_sources_of(struct store *s, struct arena *a, struct str category,
                         struct list_source **items, size_t *n) MUST_CHECK;

/* text: sorted, deduplicated, '\n' after each entry; empty removes the kind from the source. */
struct list_content {
    struct str category, source, title, format;
    enum list_kind kind;
    struct str text;
    uint64_t n_entries;
    int64_t at_ms;
    bool is_merge;   /* what the source has of this kind stays */
    bool is_removal; /* these are taken out, the others stay */
    bool is_dry_run; /* only compare */
};

struct list_change {
    uint64_t before, added, removed; /* entries of this source and kind */
};

/* Makes this the source's content of one kind, creating category and source when missing. Entries
 * the source had keep their time. Without a change nothing moves but the source's updated_ms (so
 * the index stays current). out may be NULL. ERR_INVALID: a name; ERR_CORRUPT, ERR_NOMEM. */
enum err list_sources_put(struct store *s, const struct list_content *c,
                          struct list_change *out) MUST_CHECK;
/* Takes a source out of a category; category empty: out of all. Gone ones are OK. */
enum err list_sources_delete(struct store *s, struct str source, struct str category) MUST_CHECK;

struct list_found {
    struct str entry;
    struct str source, title;
    int64_t since_ms;
};
struct list_walk {
    bool leaves_out_local;                                /* all but what was entered by hand */
    struct str source;                                    /* only this one; empty: all */
    bool (*found)(void *ctx, const struct list_found *f); /* false stops; views live for the call */
    void *ctx;
};
/* Each entry of each source: in order of the entries, then of the sources. ERR_CORRUPT. */
enum err list_sources_walk(struct store *s, struct str category, enum list_kind kind,
                           const struct list_walk *w) MUST_CHECK;

#define LIST_FOUND_MAX 64

struct list_ask {
    struct str category;
    enum list_kind kind;
    struct str entry; /* as it is stored */
};
/* The sources that have exactly this entry; *rows lives in the arena, at most LIST_FOUND_MAX. */
enum err list_sources_find(struct store *s, struct arena *a, const struct list_ask *ask,
                           struct list_found **rows, size_t *n) MUST_CHECK;

/* Changes when local entries do; the rest is list_rows_content_stamp. */
enum err list_sources_local_stamp(struct store *s, uint64_t *out) MUST_CHECK;

#endif
