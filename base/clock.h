/* clock: time as a thing that is passed in, so that tests set it and no test sleeps.
 * Threads: clock_real is safe anywhere; a fake belongs to its test. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*mono_ms)(const struct clock *c); /* monotonic, for limits and durations */
    int64_t (*wall_ms)(const struct clock *c); /* Unix time in ms, for records and schedules */
    int64_t fake_mono_ms, fake_wall_ms;        /* used by clock_fake only */
};

/* The system's clocks (CLOCK_MONOTONIC, CLOCK_REALTIME). */
void clock_init_real(struct clock *c);
/* Stands still until the test writes the two fields. */
void clock_init_fake(struct clock *c, int64_t mono_ms, int64_t wall_ms);

static inline int64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c);
}

static inline int64_t clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c);
}

#define CLOCK_RFC3339_BYTES 25 /* "2026-01-02T03:04:05.678Z" and its zero */
/* RFC 3339 in UTC with milliseconds, zero-terminated. */
void clock_format_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_BYTES]);

#endif
