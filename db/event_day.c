/* event_day: file names of days. */
#include "db/event_day.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t event_day_of_ms(int64_t wall_ms)
{
    return wall_ms >= 0 ? wall_ms / EVENT_DAY_MS : -((-wall_ms + EVENT_DAY_MS - 1) / EVENT_DAY_MS);
}

int64_t event_day_of(const struct record *r)
{
    return event_day_of_ms(r->time_ms + (int64_t)r->duration_ms);
}

enum err event_day_path(const char *dir, int64_t day, char out[EVENT_DAY_PATH])
{
    struct tm tm;
    time_t t = (time_t)(day * (EVENT_DAY_MS / 1000));
    if (!gmtime_r(&t, &tm) || tm.tm_year < 0 || tm.tm_year > 8000)
        return ERR_LIMIT;
    int n = snprintf(out, EVENT_DAY_PATH, "%s/%04d-%02d-%02d.db", dir, tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday);
    return n > 0 && n < EVENT_DAY_PATH ? OK : ERR_LIMIT;
}

/* "2026-11-23.db" to its day; false for any other name. */
static bool day_of_name(const char *name, int64_t *out)
{
    struct str s = str_of(name);
    uint64_t y, m, d;
    if (s.n != 13 || s.p[4] != '-' || s.p[7] != '-' || !str_ends(s, STR(".db")) ||
        str_to_u64(str_sub(s, 0, 4), 9999, &y) != OK ||
        str_to_u64(str_sub(s, 5, 7), 12, &m) != OK || str_to_u64(str_sub(s, 8, 10), 31, &d) != OK ||
        m == 0 || d == 0)
        return false;
    struct tm tm = {.tm_year = (int)y - 1900, .tm_mon = (int)m - 1, .tm_mday = (int)d};
    *out = (int64_t)timegm(&tm) / (EVENT_DAY_MS / 1000);
    return true;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum err collect(DIR *d, int64_t **days, size_t *n)
{
    size_t cap = 0;
    int64_t day;
    for (const struct dirent *x = readdir(d); x; x = readdir(d)) {
        if (!day_of_name(x->d_name, &day))
            continue;
        if (*n == cap) {
            cap = cap ? cap * 2 : 64;
            int64_t *more = realloc(*days, cap * sizeof *more);
            if (!more)
                return ERR_NOMEM;
            *days = more;
        }
        (*days)[(*n)++] = day;
    }
    return OK;
}

enum err event_day_list(const char *dir, int64_t **days, size_t *n)
{
    int64_t *found = NULL;
    size_t count = 0;
    DIR *d = opendir(dir);
    if (!d && errno != ENOENT)
        return err_from_errno(errno);
    enum err e = d ? collect(d, &found, &count) : OK;
    if (d)
        closedir(d);
    if (e != OK) {
        free(found);
        return e;
    }
    if (count)
        qsort(found, count, sizeof *found, by_number);
    *days = found;
    *n = count;
    return OK;
}
