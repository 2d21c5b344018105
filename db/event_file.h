/* event_file: day files opened for reading, a few at a time, with the strings met so far. Shared by
 * event_query and event_report. Threads: one at a time per set.
 * Borrows: texts and records live until the next call on the same file. */
#ifndef DB_EVENT_FILE_H
#define DB_EVENT_FILE_H

#include "base/record.h"
#include "db/store.h"

#define EVENT_FILES_OPEN 6

struct event_file {
    struct store *s; /* NULL: the slot is free */
    int64_t day;
    uint64_t device, inode; /* to notice a file that was replaced */
    uint64_t used_at;       /* for choosing which one to close */
    struct arena arena;
    struct str *texts; /* by id; p is NULL when not read yet */
    size_t n_texts;
    struct buf url;
};

struct event_files {
    char *dir;
    uint64_t clock;
    struct event_file files[EVENT_FILES_OPEN];
    char why[STORE_WHY_BYTES];
};

enum err event_files_init(struct event_files *x, const char *dir) MUST_CHECK;
void event_files_fini(struct event_files *x);

/* The file of a day, opened when it was not. It stays open until others push it out: ask again for
 * each use. ERR_NOT_FOUND (no file, or still without schema), ERR_CORRUPT, ... with why. */
enum err event_files_get(struct event_files *x, int64_t day, struct event_file **out) MUST_CHECK;

/* The string of that number. ERR_CORRUPT: there is none. */
enum err event_file_text(struct event_file *f, uint64_t id, struct str *out) MUST_CHECK;
/* Views live until the next call with this file. ERR_NOT_FOUND. */
enum err event_file_record(struct event_file *f, uint64_t id, struct record *out) MUST_CHECK;
/* One whole URL from its stored parts (numbers of scheme and host). */
struct event_url_parts {
    struct str stored;
    uint64_t scheme, host;
    uint16_t port;
};
enum err event_file_url(struct event_file *f, const struct event_url_parts *p,
                        struct str *out) MUST_CHECK;

#endif
