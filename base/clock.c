/* clock: the real one, the fake one, and the one text form of a time. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t real_mono(const struct clock *c)
{
    (void)c;
    return read_ms(CLOCK_MONOTONIC);
}

static int64_t real_wall(const struct clock *c)
{
    (void)c;
    return read_ms(CLOCK_REALTIME);
}

static int64_t fake_mono(const struct clock *c)
{
    return c->fake_mono_ms;
}

static int64_t fake_wall(const struct clock *c)
{
    return c->fake_wall_ms;
}

void clock_init_real(struct clock *c)
{
    *c = (struct clock){.mono_ms = real_mono, .wall_ms = real_wall};
}

void clock_init_fake(struct clock *c, int64_t mono_ms, int64_t wall_ms)
{
    *c = (struct clock){fake_mono, fake_wall, mono_ms, wall_ms};
}

void clock_format_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_BYTES])
{
    int64_t ms = ((wall_ms % 1000) + 1000) % 1000;
    time_t s = (time_t)((wall_ms - ms) / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    snprintf(out, CLOCK_RFC3339_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)(tm.tm_mon + 1) % 100u,
             (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u,
             (unsigned)tm.tm_sec % 100u, (unsigned)ms % 1000u);
}
