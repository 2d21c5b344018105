/* list_entry: one word of a list, whatever it is, to an entry in normal form: a name, an address or
 * network, or host/path. Called by list_line for every format. Pure. Threads: safe anywhere. */
#ifndef DB_LIST_ENTRY_H
#define DB_LIST_ENTRY_H

#include "db/list_rows.h"

#define LIST_ENTRY_MAX 4096 /* bytes of a host/path entry */

struct list_entry {
    enum list_kind kind; /* LIST_DOMAINS, LIST_URLS or LIST_IPS */
    struct str text;     /* into the word itself, or into bytes */
    char bytes[LIST_ENTRY_MAX + 64];
};

/* word: without blanks. OK, or ERR_INVALID with why, a static sentence. Does: http:// and https://
 * off, leading "*." and "." off, port off a bare name, case, IDN, trailing dot. A single label is
 * refused (it would stand for a whole top-level domain), as is "*" inside. */
enum err list_entry_parse(struct str word, struct list_entry *out, const char **why) MUST_CHECK;

/* Is this a name in normal form already, with a dot and no number at its end? One pass. */
bool list_entry_is_plain(struct str word);

#endif
