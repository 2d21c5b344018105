/* veil: which fields of a request are left out on the way to the server, by privacy mode, and how
 * the rest is written. One small value per listener, made once; a request only looks at it. Pure.
 *
 *                       via    named  anonymous  high-anonymity
 * Via that came         kept   kept   dropped    dropped
 * Via of ours           added  added  added      never
 * where the client is   kept   (1)    dropped    dropped    Forwarded, X-Forwarded-*, X-Real-IP,
 *                                                           Client-IP, True-Client-IP, ...
 * who the client is     kept   (1)    dropped    dropped    X-Authenticated-User, X-UIDH, ...
 * From                  kept   kept   dropped    dropped
 * Forwarded, X-F-F ours never  added  never      never
 * traces of a proxy     kept   kept   dropped    dropped    Proxy-*, X-Proxy-*, CDN-Loop, X-Cache..
 * Host, Connection, TE  ours   ours   ours       in the client's place, case and spelling
 *
 * (1) kept of clients that are trusted, else dropped: whoever reads them must not be lied to.
 * Squid's words: via = "via on, forwarded_for transparent"; named = "forwarded_for on" (truncate
 * for clients not trusted); anonymous = "forwarded_for delete" with via on; high-anonymity adds
 * "via off" and the request_header_access lines people copy. A judge calls them transparent,
 * anonymous and elite. high-anonymity departs from RFC 9110 7.6.3 (a proxy MUST send Via) on
 * purpose; how a loop is found without it: flow/hops.h.
 * What a browser sends by itself and would send without a proxy (User-Agent, Cookie, ...) is never
 * touched: a mode hides the network, not the person. */
#ifndef PROXYD_WIRE_VEIL_H
#define PROXYD_WIRE_VEIL_H

#include "base/privacy.h"
#include "proxyd/wire/headers.h"

enum veil_class { /* bits: what a field tells of */
                  VEIL_CLIENT = 1,
                  VEIL_PERSON = 2,
                  VEIL_PROXY = 4,
};

struct veil {
    uint64_t drop;    /* HEADER_BIT of fields known by number */
    uint8_t classes;  /* of fields known by name */
    bool is_in_place; /* Host, Connection and Transfer-Encoding stand where the client put them */
};

/* For requests of a client that is trusted (named only) or not. */
struct veil veil_of(enum privacy_mode mode, bool is_trusted);

/* What a field without a number tells of: bits, 0: nothing. Any case, '_' as '-'. */
unsigned veil_class_of(struct str name);

static inline bool veil_drops(const struct veil *v, struct str name)
{
    return (v->classes & veil_class_of(name)) != 0;
}

#endif
