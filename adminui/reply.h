/* reply: how handlers answer. Each call replaces the answer made before. */
#ifndef ADMINUI_REPLY_H
#define ADMINUI_REPLY_H

#include "adminui/call.h"

/* Takes body (NULL: out of memory, answered as 500). */
void reply_json(struct call *c, unsigned status, json_t *take_body);
/* A list: its items and where the next page begins (NULL: this is the last). Takes both. */
void reply_page(struct call *c, json_t *take_items, json_t *take_next);
/* Text that is JSON already, copied. */
void reply_json_text(struct call *c, unsigned status, struct str text);
void reply_text(struct call *c, unsigned status, const char *type, struct str text);
void reply_empty(struct call *c, unsigned status);
/* Location: /api/v1, the path below it that ends in '/', and one more segment, encoded. */
void reply_location(struct call *c, const char *path, struct str segment);
/* Takes the descriptor of a file: its first n bytes are the body. */
void reply_file(struct call *c, const char *type, int take_fd, uint64_t n);
/* Lets go of a stream or file that was to be the body. */
void reply_drop_body(struct call *c);
void reply_file_name(struct call *c, const char *name); /* Content-Disposition: attachment */

/* RFC 3339 in UTC; null for 0. */
json_t *reply_time(int64_t wall_ms);
/* A JSON string of any bytes: what is not UTF-8 is replaced by U+FFFD. */
json_t *reply_str(struct str s);
json_t *reply_u64(uint64_t v);
json_t *reply_cursor(uint64_t v); /* the number as a string */

#endif
