/* squid_privacy: what `via`, `forwarded_for` and `request_header_access` together come to as one of
 * our privacy modes of a listener (proxyd/wire/veil.h has the table). Pure. Borrows: the lines. */
#ifndef CONVERT_SQUID_PRIVACY_H
#define CONVERT_SQUID_PRIVACY_H

#include "convert/squid_config.h"

#define SQUID_PRIVACY_LINES 100

struct squid_privacy {
    const struct squid_directive *lines[SQUID_PRIVACY_LINES];
    size_t n;
};

/* Remembers the line when it is one of these; false: it is another, or there are too many. */
bool squid_privacy_add(struct squid_privacy *p, const struct squid_directive *d);

/* Writes o->privacy where a mode says it, and reports the lines. */
void squid_privacy_finish(const struct squid_privacy *p, struct outcome *o);

#endif
