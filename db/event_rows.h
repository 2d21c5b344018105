/* event_rows: writing access records into events/YYYY-MM-DD.db. One batch is one transaction per
 * day file: rows, journal positions and the minute and hour roll-ups together. A record whose id is
 * there already is skipped with all its effects, so replaying a journal after a crash doubles
 * nothing. The day is the UTC day in which the request ended (time_ms + duration_ms): records then
 * arrive in the order of their ids, day after day. proxyd's log thread alone calls this (through
 * main's sink); event_query reads. Owner: open/close. Threads: one at a time. A damaged day file is
 * set aside as YYYY-MM-DD.db.damaged-N and a new one begun. */
#ifndef DB_EVENT_ROWS_H
#define DB_EVENT_ROWS_H

#include "base/record.h"
#include "db/store.h"

struct event_writer;

struct event_position { /* how far a journal has been moved into the store */
    uint64_t epoch;     /* of the journal file: a new file has a new one */
    uint64_t offset;
    uint32_t journal; /* number in its file name */
};

struct event_batch {
    const struct record *records; /* views must live until the call returns */
    size_t n;
    const struct event_position *positions;
    size_t n_positions;
};

/* dir is created when missing (mode 0700). ERR_DENIED, ERR_IO, ERR_NOMEM; no file is opened yet. */
enum err event_rows_open(const char *dir, struct event_writer **out) MUST_CHECK;
void event_rows_close(struct event_writer *w); /* NULL is fine */
const char *event_rows_why(const struct event_writer *w);

/* OK: all of it is committed. Else the batch may be given again, whole: ERR_FULL, ERR_IO, ERR_BUSY.
 */
enum err event_rows_write(struct event_writer *w, const struct event_batch *b) MUST_CHECK;

/* Brings the files of former days up to this program's schema, so that readers can open them; one
 * that cannot be is left as it is. ERR_IO: the folder cannot be read. */
enum err event_rows_migrate(struct event_writer *w) MUST_CHECK;

/* Highest id in any day file; 0 when there is none. Ids go on from here (and from what the journals
 * still hold: writer_last_id). */
enum err event_rows_last_id(struct event_writer *w, uint64_t *out) MUST_CHECK;
/* ERR_NOT_FOUND: nothing of that journal was stored. */
enum err event_rows_position(struct event_writer *w, uint32_t journal,
                             struct event_position *out) MUST_CHECK;

/* Removes day files older than `days` whole days before now_ms; *n_removed may be NULL. */
enum err event_rows_expire(struct event_writer *w, unsigned days, int64_t now_ms,
                           unsigned *n_removed) MUST_CHECK;
uint64_t event_rows_damaged(const struct event_writer *w); /* files set aside since open */

#endif
