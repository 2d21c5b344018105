/* event_day: names and listing of the day files in events/. A day is a number: days since
 * 1970-01-01, UTC. Used by event_rows, event_query and event_report. Threads: safe anywhere. */
#ifndef DB_EVENT_DAY_H
#define DB_EVENT_DAY_H

#include "base/record.h"

#define EVENT_DAY_MS   INT64_C(86400000)
#define EVENT_DAY_PATH 4096

/* The day a moment, or the end of a record, falls into. */
int64_t event_day_of_ms(int64_t wall_ms);
int64_t event_day_of(const struct record *r);

/* "<dir>/YYYY-MM-DD.db". ERR_LIMIT. */
enum err event_day_path(const char *dir, int64_t day, char out[EVENT_DAY_PATH]) MUST_CHECK;

/* The days there are files of, ascending, on the heap (free); a missing dir has none. */
enum err event_day_list(const char *dir, int64_t **days, size_t *n) MUST_CHECK;

#endif
