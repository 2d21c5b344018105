/* list_archive: what a packed upload holds, member by member, through libarchive: tar, zip, or one
 * packed file; gzip, bzip2, xz, zstd around them. Nothing is ever written to disk, so a hostile
 * name is only a name. Called by list_import. Threads: one at a time per call. */
#ifndef DB_LIST_ARCHIVE_H
#define DB_LIST_ARCHIVE_H

#include "base/str.h"

struct list_archive_member {
    struct str path; /* as it stands in the archive; "" for a single packed file */
    struct str link; /* not empty: a link to that, without content */
    bool is_file;    /* has content */
    bool is_folder;
    uint64_t bytes_read; /* of the upload so far, for progress */
};

struct list_archive_sink {
    /* Each member; *wants_data decides whether data() is called for it. An error ends the walk. */
    enum err (*member)(void *ctx, const struct list_archive_member *m, bool *wants_data);
    enum err (*data)(void *ctx, struct str bytes); /* in pieces, in order */
    enum err (*end)(void *ctx);                    /* of the member's data */
    void *ctx;
};

/* By its first bytes: is this a packed file? */
bool list_archive_is(struct str bytes);

struct list_archive_limits {
    uint64_t max_bytes; /* unpacked, all members */
    unsigned max_members;
};

/* ERR_CORRUPT: damaged (why: libarchive's sentence); ERR_LIMIT: over a bound, also for content that
 * was not wanted; else the sink's error. */
enum err list_archive_read(struct str bytes, const struct list_archive_limits *limits,
                           const struct list_archive_sink *sink, char why[240]) MUST_CHECK;

#endif
