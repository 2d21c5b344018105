/* event_range: which ids of a day file can hold what a filter asks for, read from the roll-ups: the
 * hours of the asked time, and of these the ones in which the asked user, host or rule appears at
 * all. Never leaves out a record that fits; what it keeps is judged row by row. event_query alone
 * calls this. Threads: as the file. */
#ifndef DB_EVENT_RANGE_H
#define DB_EVENT_RANGE_H

#include "db/event_file.h"
#include "db/event_filter.h"

#define EVENT_RANGES 48

struct event_range {
    uint64_t low, high; /* both ends included */
};

/* Ascending and disjoint; *n is 0 when nothing can fit. filter may be NULL: everything. */
enum err event_range_find(struct event_file *f, const struct event_filter *filter,
                          struct event_range out[EVENT_RANGES], size_t *n) MUST_CHECK;

#endif
