/* convert: the entry of the room. What an upload holds is told by the names of its files and by
 * looking into them. Pure. Threads: any. */
#ifndef CONVERT_CONVERT_H
#define CONVERT_CONVERT_H

#include "convert/outcome.h"
#include "convert/upload.h"

enum convert_kind { CONVERT_AUTO, CONVERT_SQUID, CONVERT_SQUIDGUARD, CONVERT_E2GUARDIAN };

const char *convert_kind_name(enum convert_kind k); /* "auto", "squid", ... */
bool convert_kind_from_name(struct str s, enum convert_kind *out);

/* Fills an outcome that outcome_init made. Of a squid.conf together with its squidGuard.conf, a
 * request has to pass both: what squidGuard blocks comes first, then Squid's rules. *kind: what it
 * was taken for. ERR_INVALID: nothing of these is in the upload. ERR_NOMEM, ERR_LIMIT. */
enum err convert_run(const struct upload *u, enum convert_kind *kind, struct outcome *o) MUST_CHECK;

#endif
