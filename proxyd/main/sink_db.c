/* sink_db: batches of the log thread into db/event_rows. */
#include "proxyd/main/sink_db.h"

#include "base/diag.h"
#include "base/must.h"
#include "db/event_rows.h"

static enum err write_batch(void *ctx, const struct writer_batch *batch)
{
    struct sink_db *s = ctx;
    struct event_position positions[2 * WRITER_JOURNALS_MAX];
    size_t n = batch->n_positions;
    must(n <= 2 * WRITER_JOURNALS_MAX);
    for (size_t i = 0; i < n; i++)
        positions[i] = (struct event_position){.epoch = batch->positions[i].epoch,
                                               .offset = batch->positions[i].offset,
                                               .journal = batch->positions[i].journal};
    struct event_batch b = {batch->records, batch->n, positions, n};
    return event_rows_write(s->events, &b);
}

static const char *why(void *ctx)
{
    const struct sink_db *s = ctx;
    return event_rows_why(s->events);
}

static void expire(void *ctx)
{
    struct sink_db *s = ctx;
    unsigned days = atomic_load(&s->retention_days);
    if (days == 0)
        return;
    enum err e = event_rows_expire(s->events, days, clock_wall_ms(s->clock), NULL);
    if (e != OK)
        diag(DIAG_WARN, "log", "cannot remove old day files", "why", event_rows_why(s->events),
             NULL);
}

enum err sink_db_open(struct sink_db *s, const char *dir, const struct clock *clock)
{
    *s = (struct sink_db){.clock = clock};
    enum err e = event_rows_open(dir, &s->events);
    return e == OK ? event_rows_migrate(s->events) : e;
}

void sink_db_close(struct sink_db *s)
{
    event_rows_close(s->events);
    s->events = NULL;
}

struct writer_sink sink_db_sink(struct sink_db *s)
{
    return (struct writer_sink){write_batch, why, expire, s};
}
