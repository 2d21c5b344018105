/* zone: the offset from UTC of a time zone at a moment, from a TZif file, without touching the
 * process's own zone (no TZ, no tzset, no lock). Pure. Owner: heap. Threads: read-only once made.
 * See: RFC 8536 (TZif), POSIX TZ strings for the rule behind the last transition. */
#ifndef POLICIES_ZONE_H
#define POLICIES_ZONE_H

#include "base/str.h"

struct zone;

/* bytes: a whole TZif file, version 2 or later. ERR_CORRUPT, ERR_NOMEM. */
enum err zone_parse(struct str bytes, struct zone **out) MUST_CHECK;
/* By IANA name ("Europe/Paris", "UTC") from the system's zone files. ERR_NOT_FOUND, ERR_CORRUPT. */
enum err zone_load(struct str name, struct zone **out) MUST_CHECK;
/* One reference is the caller's from the start; zone_free gives one back. Any thread. */
struct zone *zone_ref(struct zone *z);
void zone_free(struct zone *z); /* NULL is fine */

/* Seconds to add to UTC. */
int zone_offset_s(const struct zone *z, int64_t unix_s);
/* Days since 1970-01-01 on the calendar of the zone. */
int64_t zone_day(const struct zone *z, int64_t unix_s);
/* The first second of the zone's next day. */
int64_t zone_day_end_s(const struct zone *z, int64_t unix_s);

#endif
