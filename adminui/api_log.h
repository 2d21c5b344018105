/* api_log: searching access records: a page, one record, an export as a stream. The filter grammar
 * is event_filter's; limit, cursor and format are ours. */
#ifndef ADMINUI_API_LOG_H
#define ADMINUI_API_LOG_H

#include "adminui/call.h"
#include "db/event_filter.h"

void api_log_search(struct call *c);
void api_log_get(struct call *c);

/* The filter out of the query, leaving out the names in `ours` (NULL-terminated). Initialises out,
 * which the caller finishes in every case; answers 422 itself when false. */
bool api_log_filter(struct call *c, const char *const *ours, struct event_filter *out);

#endif
