/* event_reader: what event_query, event_report and event_trial share behind the opaque struct of
 * event_query.h. Included by these alone. */
#ifndef DB_EVENT_READER_H
#define DB_EVENT_READER_H

#include "db/event_file.h"

struct event_reader {
    struct event_files files;
};

#endif
