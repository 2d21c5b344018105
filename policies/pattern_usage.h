/* pattern_usage: what each URL pattern of a policy costs on live traffic, as JSON for people: the
 * dearest first, where it stands in the document, and what could be done. Reads counters only; slow
 * next to a decision, never waits for one. Threads: any. */
#ifndef POLICIES_PATTERN_USAGE_H
#define POLICIES_PATTERN_USAGE_H

#include <jansson.h>

#include "policies/snapshot.h"

#define PATTERN_USAGE_MAX 500 /* rows */

/* {"version","sampled","one_in","n_patterns","scan_ns_per_request","items":[...]}: figures are of
 * the timed requests, one in `one_in`, since a pattern first came to be used. NULL when out of
 * memory. The caller's. */
json_t *pattern_usage(const struct snapshot *s, size_t limit);

#endif
