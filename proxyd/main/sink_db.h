/* sink_db: the log thread's sink over the day files: proxyd/log may not see db, so main joins them.
 * Owner: open/close; close after the writer has stopped. Threads: the log thread, but for
 * sink_db_set_retention. */
#ifndef PROXYD_MAIN_SINK_DB_H
#define PROXYD_MAIN_SINK_DB_H

#include <stdatomic.h>

#include "base/clock.h"
#include "proxyd/log/writer.h"

struct event_writer;

struct sink_db {
    struct event_writer *events;
    const struct clock *clock;
    atomic_uint retention_days; /* 0: keep for ever */
};

/* dir: <state>/events, made when missing. */
enum err sink_db_open(struct sink_db *s, const char *dir, const struct clock *clock) MUST_CHECK;
void sink_db_close(struct sink_db *s);
struct writer_sink sink_db_sink(struct sink_db *s);

#endif
