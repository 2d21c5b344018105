/* list_pack: the two columns of a stored list, packed and unpacked whole: entries as text, and
 * their times. Called by list_sources. Pure. Owner: what comes out is malloc'ed, the caller's.
 * Threads: safe anywhere. Limit: LIST_PACK_MAX bytes unpacked. */
#ifndef DB_LIST_PACK_H
#define DB_LIST_PACK_H

#include "base/buf.h"
#include "base/str.h"

#define LIST_PACK_MAX ((size_t)4 << 30)

/* zstd, level 3. ERR_NOMEM. */
enum err list_pack(struct str bytes, char **out, size_t *n) MUST_CHECK;
/* ERR_CORRUPT: damaged, or not of n bytes as its frame says and the caller expects. ERR_NOMEM. */
enum err list_unpack(struct str packed, size_t n, char **out) MUST_CHECK;

#endif
