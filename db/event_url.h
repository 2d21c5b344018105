/* event_url: a record's URL begins with its scheme, host and port, which are stored anyway; so only
 * the rest is kept. event_rows shortens, event_query restores. Pure. Threads: safe anywhere. */
#ifndef DB_EVENT_URL_H
#define DB_EVENT_URL_H

#include "base/record.h"

/* The part from the path on when the URL begins as its fields say (it then begins with '/'), else
 * the whole URL. A view into r->url, or into scratch, whose content is replaced then. */
struct str event_url_short(const struct record *r, struct buf *scratch);

/* Appends the whole URL. r: scheme, host and port are read. */
void event_url_restore(const struct record *r, struct str stored, struct buf *out);

#endif
