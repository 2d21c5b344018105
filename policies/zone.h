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
void zone_free(struct zone *z); /* NULL is fine */

/* Seconds to add to UTC. */
int zone_offset_s(const struct zone *z, int64_t unix_s);

#endif
