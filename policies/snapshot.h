/* snapshot: a policy document compiled and sealed, immutable, shared by all workers by reference.
 * Owner: reference counted (atomic). Threads: reading is safe anywhere once compiled. */
#ifndef POLICIES_SNAPSHOT_H
#define POLICIES_SNAPSHOT_H

#include "base/buf.h"
#include "base/str.h"
#include "policies/category.h"

struct snapshot;

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL is fine; the last one frees */

uint64_t snapshot_version(const struct snapshot *s);

enum snapshot_identity { SNAPSHOT_WHEN_NEEDED, SNAPSHOT_ALWAYS, SNAPSHOT_NEVER };
enum snapshot_identity snapshot_identity(const struct snapshot *s);

/* Pattern runs ended by a limit, those of the policies before that shared patterns included. */
uint64_t snapshot_n_limited(const struct snapshot *s);
uint32_t snapshot_n_rules(const struct snapshot *s);

/* For replay: does the rule of this id keep the query of a URL out of the record? Does any? */
bool snapshot_hides_query(const struct snapshot *s, struct str rule_id);
bool snapshot_hides_queries(const struct snapshot *s);

#endif
