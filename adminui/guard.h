/* guard: refuses what libmicrohttpd lets through, before anything else looks at a request: double
 * or conflicting lengths, transfer codings, missing or foreign Host, odd versions and methods,
 * encoded slashes, zero bytes and dot segments in the raw path. Called by server on the first call
 * for a request; a refusal is answered with `Connection: close`, so that bytes behind it are never
 * served as a second request. Pure. Threads: safe anywhere.
 * See: field notes on libmicrohttpd 0.9.75 in README.md; CWE-444; RFC 9112 3.2, 6.3. */
#ifndef ADMINUI_GUARD_H
#define ADMINUI_GUARD_H

#include "base/str.h"

struct guard_field {
    struct str name, value;
};

struct guard_input {
    struct str method, version;
    struct str uri; /* raw, as it stood in the request line */
    const struct guard_field *fields;
    size_t n_fields;
    const struct str *hosts; /* host[:port] texts the dashboard may be called by, lower case */
    size_t n_hosts;          /* 0: any (unix socket) */
};

struct guard_verdict {
    unsigned status;    /* 0: let through */
    const char *slug;   /* of the problem */
    const char *detail; /* one sentence */
    uint64_t body_bytes;
};

void guard_check(const struct guard_input *in, struct guard_verdict *out);

/* Value of a field, empty when absent. */
struct str guard_field(const struct guard_input *in, const char *name);

#endif
