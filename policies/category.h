/* category: the set of category and list memberships of hosts and URLs, as the index answers it.
 * The index (policies/set_domain.h) is shared: several snapshots may hold the same mapped file.
 * Owner: reference counted (atomic). Threads: reading is safe anywhere. */
#ifndef POLICIES_CATEGORY_H
#define POLICIES_CATEGORY_H

#include "base/str.h"

struct category_index; /* an opened categories.idx */

/* bytes: the whole file, kept mapped by the caller until `release(ctx)` is called with the last
 * unref. The file's checksums are verified here. ERR_CORRUPT, ERR_NOMEM. */
enum err category_index_open(struct str bytes, void (*release)(void *ctx), void *ctx,
                             struct category_index **out) MUST_CHECK;
struct category_index *category_index_ref(struct category_index *x);
void category_index_unref(struct category_index *x); /* NULL is fine */

uint32_t category_index_n(const struct category_index *x); /* categories */
/* Borrowed from the index. number < category_index_n. */
struct str category_index_name(const struct category_index *x, uint32_t number);
uint64_t category_index_n_keys(const struct category_index *x); /* names and URLs */

#endif
