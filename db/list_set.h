/* list_set: entries gathered in any order, then sorted by byte value and without doubles. Used by
 * list_import. Owner: caller's storage; fini works on a zeroed struct. Threads: one at a time.
 * Memory: 16 bytes and the text for each entry until sealed, the text alone afterwards. */
#ifndef DB_LIST_SET_H
#define DB_LIST_SET_H

#include "db/list_rows.h"

struct list_item {
    uint64_t key;     /* first eight bytes, so that most comparisons touch no text */
    uint64_t at : 40; /* in text */
    uint64_t size : 24;
};

struct list_set {
    struct list_item *items; /* NULL once sealed */
    size_t n, cap;           /* entries */
    char *text;
    size_t text_n, text_cap;
    uint64_t duplicates; /* left out by sealing */
};

void list_set_init(struct list_set *s);
void list_set_fini(struct list_set *s);
enum err list_set_add(struct list_set *s, struct str entry) MUST_CHECK; /* ERR_NOMEM, ERR_LIMIT */
/* Sorts; afterwards text holds the entries in order, each ended by '\n', and n counts them. */
enum err list_set_seal(struct list_set *s) MUST_CHECK;
struct str list_set_text(const struct list_set *s); /* sealed */
/* The next entry of a sealed text: false at the end. *rest starts as list_set_text. */
bool list_set_next(struct str *rest, struct str *entry);

#endif
