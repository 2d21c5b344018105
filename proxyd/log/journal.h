/* journal: one memory-mapped file used as a ring of checksummed entries, between one worker and the
 * log thread. Append is a copy and one release store, no system call; what was appended survives a
 * kill -9 of the process, because the pages belong to the file. Single producer, single consumer.
 * Owner: open/close. Threads: append from one, read and release from one other.
 * What was offered and not yet decided when the process died counts as appended.
 * Limit: an entry of JOURNAL_ENTRY_MAX bytes; capacity fixed when the file is made; its blocks are
 * allocated then, so a full disk is met at open and never as a SIGBUS later. */
#ifndef PROXYD_LOG_JOURNAL_H
#define PROXYD_LOG_JOURNAL_H

#include "base/err.h"
#include "base/str.h"

#define JOURNAL_ENTRY_MAX ((size_t)1 << 20)
#define JOURNAL_MIN_BYTES ((size_t)64 << 10)

struct journal;

struct journal_info {
    uint64_t epoch; /* random, of this file: positions of another file mean nothing here */
    uint64_t head;  /* bytes ever appended, an undecided offer not counted */
    uint64_t tail;  /* bytes ever released */
    uint64_t lost;  /* entries given up at open because their checksum did not fit */
    size_t capacity_bytes;
};

/* Opens the file and finds what a former process left in it, or makes it with room for `bytes`
 * (rounded up). A file that is not a journal of ours is ERR_CORRUPT. ERR_FULL, ERR_DENIED, ERR_IO.
 * ERR_BUSY: another process has it open. */
enum err journal_open(const char *path, size_t bytes, struct journal **out) MUST_CHECK;
void journal_close(struct journal *j); /* NULL is fine; the content stays in the file */

/* Producer. ERR_FULL: no room until the log thread has released some; ERR_LIMIT: entry too long. */
enum err journal_append(struct journal *j, struct str entry) MUST_CHECK;
/* Part of the ring that is in use, 0..100. Any thread. */
unsigned journal_fill_percent(const struct journal *j);

/* Producer, for what is about to be true: appended as above and safe from kill -9, but no consumer
 * sees it before journal_keep; journal_take_back undoes it. One at a time, and nothing else is
 * appended until it is decided. The same errors. */
enum err journal_offer(struct journal *j, struct str entry) MUST_CHECK;
void journal_keep(struct journal *j);
void journal_take_back(struct journal *j);

/* Consumer: the entry at *at (start with journal_info.tail) and *at behind it. The view points into
 * the ring and lives until the entry is released. ERR_AGAIN: no entry there yet. ERR_CORRUPT: the
 * entry is damaged; *at is then moved past everything appended so far. */
enum err journal_read(struct journal *j, uint64_t *at, struct str *entry) MUST_CHECK;
void journal_release(struct journal *j, uint64_t upto); /* upto: an *at of journal_read */

void journal_info(const struct journal *j, struct journal_info *out); /* any thread */

#endif
