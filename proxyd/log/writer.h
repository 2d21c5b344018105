/* writer: the log thread. Drains every worker's journal every interval (or when kicked), hands the
 * records in batches, in the order of their ids, to a sink, and releases them in the journal once
 * the sink has them. While the sink fails (full disk, damaged file) it tries again with growing
 * pauses and the records stay in the journals, which survive the process; a journal that is full is
 * the flow's to decide about. proxyd/main makes it and gives the sink (over db/event_rows). Owner:
 * open, start, stop, close. Threads: main; writer_kick and writer_stats from anywhere; each
 * journal's append from its one worker. */
#ifndef PROXYD_LOG_WRITER_H
#define PROXYD_LOG_WRITER_H

#include "base/record.h"
#include "proxyd/log/journal.h"

#define WRITER_BATCH        8192 /* records handed over at once */
#define WRITER_JOURNALS_MAX 256  /* workers */

struct writer_position { /* same fields as db's struct event_position */
    uint64_t epoch;
    uint64_t offset;
    uint32_t journal;
};

struct writer_batch {
    const struct record *records; /* ascending ids; views live until the call returns */
    size_t n;
    const struct writer_position *positions;
    size_t n_positions;
};

struct writer_sink {
    /* Stores all or nothing; called by the log thread only. Being handed records again that were
     * stored already must be harmless (ids are unique). */
    enum err (*write_batch)(void *ctx, const struct writer_batch *batch);
    /* One sentence on the last failure, for status and the operator's log; may be NULL. */
    const char *(*why)(void *ctx);
    /* Called by the log thread when nothing is to be written, at most once a minute: retention. May
     * be NULL. */
    void (*idle)(void *ctx);
    void *ctx;
};

struct writer_options {
    const char *dir; /* journal files: <dir>/journal-N */
    unsigned n_journals;
    unsigned first_journal; /* 0, or WRITER_JOURNALS_MAX for the process that takes over */
    size_t journal_bytes;   /* of each; 0: 16 MiB */
    unsigned interval_ms;   /* 0: 100 */
    struct writer_sink sink;
    /* Called by the log thread when the sink begins to fail and when it works again; may be NULL.
     * The owner writes the operator's line. */
    void (*changed)(void *ctx, enum err now, const char *why);
    void *changed_ctx;
};

struct writer;

/* Opens or makes the journals; also those of former processes, which are drained and then removed
 * (those that another process still has open are looked at again once a minute). No thread yet.
 * why: one sentence naming the file. ERR_FULL, ERR_DENIED, ERR_BUSY (a second proxyd on this state
 * directory), ERR_CORRUPT (set aside as journal-N.damaged, and a new one made, is done here:
 * ERR_CORRUPT is not returned). */
enum err writer_open(const struct writer_options *o, char why[240], struct writer **out) MUST_CHECK;
/* Hands what former processes left to the sink, in this thread. On failure it stays in the journals
 * and is tried again by the log thread. */
enum err writer_recover(struct writer *w) MUST_CHECK;
/* Highest record id in the journals now; 0: none. Ids go on from the greater of this and the store.
 */
uint64_t writer_last_id(struct writer *w);
struct journal *writer_journal(struct writer *w, unsigned worker); /* lives as long as w */

enum err writer_start(struct writer *w) MUST_CHECK;
void writer_kick(struct writer *w); /* drain now */
/* Everything appended before the call is in the sink: OK. ERR_TIMEOUT. */
enum err writer_flush(struct writer *w, unsigned timeout_ms) MUST_CHECK;
/* Drains (for at most timeout_ms while the sink fails) and ends the thread. OK: nothing is left in
 * the journals; ERR_TIMEOUT: some is, and is found at the next start. */
enum err writer_stop(struct writer *w, unsigned timeout_ms) MUST_CHECK;
void writer_close(struct writer *w); /* stops with timeout 0 when still running; NULL is fine */

struct writer_stats {
    uint64_t written; /* records */
    uint64_t batches;
    uint64_t failures;     /* calls of the sink that failed */
    uint64_t lost;         /* entries that could not be read back (damaged) */
    uint64_t lag_bytes;    /* in the journals, not yet stored */
    unsigned fill_percent; /* of the fullest journal */
    enum err state;        /* OK, or what the sink says */
};
void writer_stats(struct writer *w, struct writer_stats *out);

#endif
