/* list_utf16: UTF-16 text as some editors save it, to UTF-8, in pieces of any size. Called by
 * list_formats. Pure. Owner: caller's storage, zeroed at first. */
#ifndef DB_LIST_UTF16_H
#define DB_LIST_UTF16_H

#include "base/buf.h"

struct list_utf16 {
    bool is_big;   /* the higher byte first */
    bool has_half; /* a piece ended within a unit */
    unsigned char half;
    uint16_t high; /* surrogate that waits for its other; 0: none */
};

/* A lone surrogate becomes U+FFFD. Appends to out. */
void list_utf16_feed(struct list_utf16 *u, struct str bytes, struct buf *out);

#endif
