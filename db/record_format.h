/* record_format: an access record as JSON, CSV and in Squid's native log format. Whatever a client
 * sent, a line stays a line: control bytes and bidirectional marks are escaped, JSON also escapes <
 * and U+2028/9 and mends broken UTF-8, CSV cells never begin a formula. Pure. Threads: safe
 * anywhere. Errors: the buffer's `failed`. */
#ifndef DB_RECORD_FORMAT_H
#define DB_RECORD_FORMAT_H

#include "base/record.h"

void record_format_json(const struct record *r, struct buf *out);  /* one object, no newline */
void record_format_csv_head(struct buf *out);                      /* with CRLF */
void record_format_csv(const struct record *r, struct buf *out);   /* with CRLF */
void record_format_squid(const struct record *r, struct buf *out); /* with LF */

/* The pieces, for others: a JSON string with its quotes; one CSV cell. */
void record_format_json_string(struct str s, struct buf *out);
void record_format_csv_cell(struct str s, struct buf *out);

#endif
