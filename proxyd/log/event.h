/* event: from a finished request to a journal entry. The flow fills struct record (views into its
 * request arena), event_append encodes it straight away, so nothing is kept after the call.
 * Threads: the worker that owns the journal. */
#ifndef PROXYD_LOG_EVENT_H
#define PROXYD_LOG_EVENT_H

#include "base/arena.h"
#include "base/record.h"
#include "proxyd/log/journal.h"

/* Longest kept of each string, so that one entry stays far below JOURNAL_ENTRY_MAX. */
#define EVENT_URL_MAX       8192
#define EVENT_TEXT_MAX      1024
#define EVENT_SCRATCH_BYTES ((size_t)64 << 10)

/* Names joined as struct record wants them: '\n' between, at most RECORD_LISTS_MAX, in the arena.
 * Names holding '\n' are left out. ERR_NOMEM. */
enum err event_join(const struct str *names, size_t n, struct arena *a, struct str *out) MUST_CHECK;

/* The URL without its query: for rules with log: no-query. */
struct str event_url_without_query(struct str url);

/* Cuts what is longer than is kept; an encoded record fits into EVENT_SCRATCH_BYTES then. */
void event_bound(struct record *r);

/* Encodes and appends. scratch is the worker's, kept between calls (event_scratch_init); it never
 * grows. ERR_FULL: the journal is full, nothing was appended. */
void event_scratch_init(struct buf *scratch);
enum err event_append(struct journal *j, struct buf *scratch, const struct record *r) MUST_CHECK;
/* The same as an offer (journal_offer): before what it tells is done. */
enum err event_offer(struct journal *j, struct buf *scratch, const struct record *r) MUST_CHECK;

#endif
