/* event_range: hours from the roll-ups to ranges of ids. */
#include "db/event_range.h"

#include "db/rollup.h"

#define HOURS     24 /* of a day file: a record stands in the day in which it ended */
#define ALL_HOURS ((UINT32_C(1) << HOURS) - 1)

struct asked { /* what a field's terms say about hours */
    enum event_field field;
    enum rollup_what what;
};

/* Adds the hours in which this text appears in that role. */
static enum err add_hours(struct event_file *f, enum rollup_what what, struct str text,
                          uint32_t *hours)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(f->s,
                            "SELECT DISTINCT hour FROM text JOIN hour ON hour.text = text.id"
                            " WHERE text.s = ?1 COLLATE NOCASE AND hour.what = ?2",
                            &st);
    if (e != OK)
        return e;
    store_bind_str(st, 1, text);
    store_bind_u64(st, 2, what);
    while ((e = store_step(f->s, st)) == OK) {
        int64_t hour = store_column_i64(st, 0) - f->day * HOURS;
        *hours |= hour >= 0 && hour < HOURS ? UINT32_C(1) << hour : ALL_HOURS;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

/* The hours one field leaves; all of them when it is not asked for, or by a pattern. */
static enum err hours_of_field(struct event_file *f, const struct event_filter *filter,
                               const struct asked *a, uint32_t *out)
{
    uint32_t hours = 0;
    bool is_asked = false;
    for (size_t i = 0; i < filter->n_terms; i++) {
        const struct event_term *t = &filter->terms[i];
        if (t->field != a->field || t->exclude)
            continue;
        is_asked = true;
        if (t->is_glob)
            hours = ALL_HOURS;
        if (hours == ALL_HOURS)
            continue;
        enum err e = add_hours(f, a->what, t->text, &hours);
        if (e != OK)
            return e;
    }
    *out = is_asked ? hours : ALL_HOURS;
    return OK;
}

static enum err hours_of_filter(struct event_file *f, const struct event_filter *filter,
                                uint32_t *out)
{
    static const struct asked fields[] = {
        {EVENT_USER, ROLLUP_USER}, {EVENT_HOST, ROLLUP_HOST}, {EVENT_RULE, ROLLUP_RULE}};
    uint32_t hours = ALL_HOURS;
    for (size_t i = 0; i < 3; i++) {
        uint32_t left;
        enum err e = hours_of_field(f, filter, &fields[i], &left);
        if (e != OK)
            return e;
        hours &= left;
    }
    *out = hours;
    return OK;
}

/* Numbers of one hour can reach into the next by a few: ranges that meet become one. */
static void add_range(struct event_range out[EVENT_RANGES], size_t *n, struct event_range r)
{
    struct event_range *last = *n ? &out[*n - 1] : NULL;
    if (!last || (r.low > last->high && *n < EVENT_RANGES)) {
        out[(*n)++] = r;
        return;
    }
    last->high = r.high > last->high ? r.high : last->high;
}

enum err event_range_find(struct event_file *f, const struct event_filter *filter,
                          struct event_range out[EVENT_RANGES], size_t *n)
{
    struct sqlite3_stmt *st;
    uint32_t hours = ALL_HOURS;
    *n = 0;
    if (!filter || (filter->n_terms == 0 && filter->from_ms <= 0 && filter->to_ms == INT64_MAX)) {
        out[(*n)++] = (struct event_range){0, INT64_MAX};
        return OK;
    }
    enum err e = hours_of_filter(f, filter, &hours);
    if (e == OK)
        e = store_stmt(f->s,
                       "SELECT minute / 60, min(first_id), max(last_id) FROM minute"
                       " WHERE last_ms >= ?1 AND first_ms < ?2 GROUP BY 1 ORDER BY 2",
                       &st);
    if (e != OK)
        return e;
    store_bind_i64(st, 1, filter->from_ms);
    store_bind_i64(st, 2, filter->to_ms);
    while ((e = store_step(f->s, st)) == OK) {
        int64_t hour = store_column_i64(st, 0) - f->day * HOURS;
        bool is_known = hour >= 0 && hour < HOURS;
        if (!is_known || (hours >> hour & 1))
            add_range(out, n,
                      (struct event_range){store_column_u64(st, 1), store_column_u64(st, 2)});
    }
    return e == ERR_NOT_FOUND ? OK : e;
}
