/* list_import: bytes of an upload to sorted, deduplicated category content with a report, and that
 * into the store. Takes any format of list_formats, and archives (tar, tar.gz, tar.zst, zip, gz of
 * one list) holding a squidGuard/UT1 tree: <category>/{domains,urls,expressions,ips}, or flat files
 * <category>.{domains,urls,expressions,ips,txt,hosts}.
 * Slow (a second per million lines): run it in a job thread. Nothing is stored before
 * list_import_save. Limits: bytes after unpacking, members and entries bounded; names in an archive
 * never touch the file system; links are reported and skipped. */
#ifndef DB_LIST_IMPORT_H
#define DB_LIST_IMPORT_H

#include "db/list_formats.h"

#define LIST_IMPORT_MAX_BYTES   ((uint64_t)2 << 30) /* unpacked */
#define LIST_IMPORT_MAX_MEMBERS 20000
#define LIST_IMPORT_MAX_ENTRIES ((uint64_t)50000000)

struct list_import_options {
    struct str category; /* everything goes here; empty: each folder or file names its own */
    struct str prefix;   /* only categories whose name begins so */
    enum list_format format;
    uint64_t max_bytes; /* 0: LIST_IMPORT_MAX_BYTES */
    /* Now and then; done in 0..1; false cancels (ERR_CLOSED). May be NULL. */
    bool (*progress)(void *ctx, double done);
    void *ctx;
};

struct list_import_category { /* one category of the import, sorted by name */
    struct str name;
    enum list_format format;
    uint64_t counts[LIST_KINDS];
    uint64_t accepted, duplicates, n_rejected;
    const struct list_reject *rejects;
    size_t n_rejects;
    /* Against what the origin had; set by list_import_save. */
    uint64_t before, added, removed;
};

struct list_import;

/* bytes: the whole upload (mapped or in memory), needed until this returns. ERR_INVALID: nothing in
 * it could be read, ERR_LIMIT: over a bound, ERR_CORRUPT: a damaged archive, ERR_CLOSED: cancelled,
 * ERR_NOMEM. why gets one sentence then. */
enum err list_import_read(const struct list_import_options *o, struct str bytes,
                          char why[STORE_WHY_BYTES], struct list_import **out) MUST_CHECK;
void list_import_free(struct list_import *im); /* NULL is fine */

size_t list_import_count(const struct list_import *im);
const struct list_import_category *list_import_at(const struct list_import *im, size_t i);
/* What belonged to no category: links, files that are no lists, names that cannot be a category's.
 * Only rejects and n_rejected mean something; not saved. */
const struct list_import_category *list_import_general(const struct list_import *im);
/* Entries of one category and kind, in order. */
void list_import_each(const struct list_import *im, size_t i, enum list_kind kind,
                      const struct list_visit *v);

struct list_import_save {
    bool merge;   /* keep what the origin has; else the import replaces it, in its categories */
    bool dry_run; /* only compare: fills added and removed */
    struct str source; /* for people: file name or URL */
    struct str origin; /* the source this is the content of (list_sources.h); empty: upload */
    /* Categories the origin had content in, and the import does not name, lose it. */
    bool drops_missing;
    int64_t at_ms;
};
/* All categories in one transaction, with their reports. ERR_INVALID: origin. */
enum err list_import_save(struct list_import *im, struct store *s,
                          const struct list_import_save *how) MUST_CHECK;

#endif
