/* zone: TZif version 2 data block and its footer. */
#include "policies/zone.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mapfile.h"

#define HEADER_BYTES 44

struct switch_rule {      /* when daylight time begins or ends: Mm.w.d/time, Jn or n */
    char kind;            /* 'M', 'J' or '0' */
    int month, week, day; /* day: weekday (0 Sunday), or day of the year */
    int at_s;
};

struct zone {
    atomic_uint n_refs;
    size_t n;
    int64_t *at;   /* transitions, ascending */
    int *offset;   /* from each transition on */
    int first;     /* before the first one */
    bool has_rule; /* the footer holds */
    bool has_daylight;
    int standard_s, daylight_s;
    struct switch_rule begins, ends;
};

static int64_t be64(const unsigned char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_header(struct str s, struct counts *c)
{
    if (s.n < HEADER_BYTES || memcmp(s.p, "TZif", 4) != 0)
        return false;
    const unsigned char *p = (const unsigned char *)s.p + 20;
    *c = (struct counts){be32(p),      be32(p + 4),  be32(p + 8),
                         be32(p + 12), be32(p + 16), be32(p + 20)};
    return c->time < 100000 && c->type > 0 && c->type <= 256 && c->leap < 10000 &&
           c->chars < 10000 && c->isut <= 256 && c->isstd <= 256;
}

static size_t body_bytes(const struct counts *c, size_t time_size)
{
    return c->time * time_size + c->time + (size_t)c->type * 6 + c->chars +
           c->leap * (time_size + 4) + c->isstd + c->isut;
}

/* --- the footer: std offset [dst [offset] , rule , rule] ----------------------------------------
 */

static bool skip_name(struct str *s)
{
    size_t n = 0;
    if (s->n && s->p[0] == '<') {
        size_t end = str_find(*s, '>');
        if (end == STR_NPOS)
            return false;
        n = end + 1;
    } else {
        while (n < s->n && ((s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z'))
            n++;
    }
    *s = str_sub(*s, n, s->n);
    return n > 0;
}

static bool number(struct str *s, int max, int *out)
{
    size_t n = 0;
    int v = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9' && v <= max)
        v = v * 10 + (s->p[n++] - '0');
    *s = str_sub(*s, n, s->n);
    *out = v;
    return n > 0 && v <= max;
}

static bool take(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool hms(struct str *s, int *out)
{
    bool is_negative = take(s, '-');
    if (!is_negative)
        (void)take(s, '+');
    int h, m = 0, sec = 0;
    if (!number(s, 167, &h))
        return false;
    if (take(s, ':') && (!number(s, 59, &m) || (take(s, ':') && !number(s, 59, &sec))))
        return false;
    *out = (is_negative ? -1 : 1) * (h * 3600 + m * 60 + sec);
    return true;
}

static bool read_switch(struct str *s, struct switch_rule *r)
{
    *r = (struct switch_rule){.kind = '0', .at_s = 7200};
    if (take(s, 'M')) {
        r->kind = 'M';
        if (!number(s, 12, &r->month) || !take(s, '.') || !number(s, 5, &r->week) ||
            !take(s, '.') || !number(s, 6, &r->day) || r->month == 0 || r->week == 0)
            return false;
    } else {
        if (take(s, 'J'))
            r->kind = 'J';
        if (!number(s, 365, &r->day))
            return false;
    }
    return !take(s, '/') || hms(s, &r->at_s);
}

static void read_footer(struct zone *z, struct str s)
{
    int west;
    if (!skip_name(&s) || !hms(&s, &west))
        return;
    z->standard_s = -west;
    if (s.n == 0) {
        z->has_rule = true;
        return;
    }
    if (!skip_name(&s))
        return;
    z->daylight_s = z->standard_s + 3600;
    if (s.n && s.p[0] != ',') {
        if (!hms(&s, &west))
            return;
        z->daylight_s = -west;
    }
    z->has_daylight = z->has_rule = take(&s, ',') && read_switch(&s, &z->begins) && take(&s, ',') &&
                                    read_switch(&s, &z->ends) && s.n == 0;
}

/* --- calendar -----------------------------------------------------------------------------------
 */

/* Days from 1970-01-01 to the first of a month, proleptic Gregorian. */
static int64_t days_to(int64_t year, int month)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_leap(int64_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int64_t year_of(int64_t unix_s)
{
    int64_t y = 1970 + unix_s / 31556952;
    while (days_to(y, 1) * 86400 > unix_s)
        y--;
    while (days_to(y + 1, 1) * 86400 <= unix_s)
        y++;
    return y;
}

/* Local seconds since 1970 at which the rule switches in this year. */
static int64_t switch_at(const struct switch_rule *r, int64_t year)
{
    int64_t day = days_to(year, 1);
    if (r->kind == 'J') {
        day += r->day - 1 + (is_leap(year) && r->day >= 60);
    } else if (r->kind == '0') {
        day += r->day;
    } else {
        int64_t first = days_to(year, r->month);
        int64_t next = r->month == 12 ? days_to(year + 1, 1) : days_to(year, r->month + 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        day = first + (r->day - weekday + 7) % 7 + (int64_t)(r->week - 1) * 7;
        while (day >= next)
            day -= 7;
    }
    return day * 86400 + r->at_s;
}

static int by_rule(const struct zone *z, int64_t unix_s)
{
    if (!z->has_daylight)
        return z->standard_s;
    int64_t year = year_of(unix_s + z->standard_s);
    int64_t begins = switch_at(&z->begins, year) - z->standard_s;
    int64_t ends = switch_at(&z->ends, year) - z->daylight_s;
    bool is_daylight =
        begins < ends ? unix_s >= begins && unix_s < ends : unix_s >= begins || unix_s < ends;
    return is_daylight ? z->daylight_s : z->standard_s;
}

int zone_offset_s(const struct zone *z, int64_t unix_s)
{
    if (z->n == 0 || unix_s < z->at[0])
        return z->n == 0 && z->has_rule ? by_rule(z, unix_s) : z->first;
    if (unix_s >= z->at[z->n - 1] && z->has_rule)
        return by_rule(z, unix_s);
    size_t lo = 0, hi = z->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->at[mid] <= unix_s)
            lo = mid;
        else
            hi = mid;
    }
    return z->offset[lo];
}

static enum err read_body(struct zone *z, const unsigned char *p, const struct counts *c)
{
    const unsigned char *index = p + (size_t)c->time * 8;
    const unsigned char *types = index + c->time;
    z->n = c->time;
    z->at = calloc(c->time + 1, sizeof *z->at);
    z->offset = calloc(c->time + 1, sizeof *z->offset);
    if (!z->at || !z->offset)
        return ERR_NOMEM;
    z->first = (int)(int32_t)be32(types);
    for (size_t i = 0; i < c->time; i++) {
        if (index[i] >= c->type)
            return ERR_CORRUPT;
        z->at[i] = be64(p + i * 8);
        z->offset[i] = (int)(int32_t)be32(types + (size_t)index[i] * 6);
        if (i && z->at[i] <= z->at[i - 1])
            return ERR_CORRUPT;
    }
    return OK;
}

enum err zone_parse(struct str bytes, struct zone **out)
{
    struct counts c;
    if (!read_header(bytes, &c) || bytes.p[4] < '2')
        return ERR_CORRUPT;
    size_t skip = HEADER_BYTES + body_bytes(&c, 4);
    struct str second = str_sub(bytes, skip, bytes.n);
    if (!read_header(second, &c) || second.n < HEADER_BYTES + body_bytes(&c, 8))
        return ERR_CORRUPT;
    struct zone *z = calloc(1, sizeof *z);
    if (!z)
        return ERR_NOMEM;
    atomic_init(&z->n_refs, 1);
    enum err e = read_body(z, (const unsigned char *)second.p + HEADER_BYTES, &c);
    struct str footer = str_sub(second, HEADER_BYTES + body_bytes(&c, 8), second.n);
    if (e == OK && footer.n > 2 && footer.p[0] == '\n' && footer.p[footer.n - 1] == '\n')
        read_footer(z, str_sub(footer, 1, footer.n - 1));
    if (e != OK) {
        zone_free(z);
        return e;
    }
    *out = z;
    return OK;
}

enum err zone_load(struct str name, struct zone **out)
{
    char path[300];
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_plain = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
                        c == '_' || c == '-' || c == '+' || c == '/';
        if (!is_plain || (c == '/' && i == 0))
            return ERR_NOT_FOUND;
    }
    int n = snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    if (name.n == 0 || n < 0 || (size_t)n >= sizeof path)
        return ERR_NOT_FOUND;
    struct mapfile m;
    enum err e = mapfile_open(&m, path);
    if (e != OK)
        return ERR_NOT_FOUND;
    e = zone_parse(str_make(m.p, m.n), out);
    mapfile_close(&m);
    return e;
}

void zone_free(struct zone *z)
{
    if (!z || atomic_fetch_sub_explicit(&z->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    free(z->at);
    free(z->offset);
    free(z);
}

struct zone *zone_ref(struct zone *z)
{
    atomic_fetch_add_explicit(&z->n_refs, 1, memory_order_relaxed);
    return z;
}

int64_t zone_day(const struct zone *z, int64_t unix_s)
{
    int64_t local = unix_s + zone_offset_s(z, unix_s);
    return local >= 0 ? local / 86400 : -((86399 - local) / 86400);
}

/* A clock that is turned at midnight may skip the hour or repeat it: the end is looked for. */
int64_t zone_day_end_s(const struct zone *z, int64_t unix_s)
{
    int64_t day = zone_day(z, unix_s), from = unix_s, to = unix_s + INT64_C(50) * 3600;
    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;
        if (zone_day(z, middle) > day)
            to = middle;
        else
            from = middle;
    }
    return to;
}
