/* host: the one normal form of a host name or address literal. Policy, dialling and record all use
 * what comes out of here, so a second spelling of a blocked name cannot exist.
 * Pure. Threads: safe anywhere. See: RFC 1123, RFC 3986 3.2.2, RFC 5891 (IDNA), UTS #46. */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include "base/cidr.h"
#include "base/str.h"

#define HOST_MAX 255 /* bytes of a normal form, without brackets */

/* A host in normal form: lower-case A-label name without trailing dot, or an address as ip_format
 * writes it (no brackets). */
struct host {
    char text[HOST_MAX + 1]; /* zero-terminated as well */
    uint8_t n;
    bool is_ip;
    struct ip ip; /* valid when is_ip */
};

struct str host_str(const struct host *h); /* borrowed from h */

/* From the host part of a URL, a Host field or a CONNECT authority (IPv6 with brackets there), or
 * from a list entry or an admin's form. Does: case, one trailing dot, percent-decoding of
 * unreserved bytes, IDN and full-width dots to A-labels (IDNA 2008 with UTS #46 mapping), odd IPv4
 * spellings (octal, hexadecimal, one to four parts, as inet_aton reads them) to the dotted quad,
 * mapped and NAT64 (64:ff9b::/96) IPv6 to IPv4. Underscores are let through (they are seen in
 * practice). ERR_INVALID: empty, empty label, label over 63, illegal bytes, zone id, NUL.
 * ERR_LIMIT: over 253. */
enum err host_normalise(struct str raw, struct host *out) MUST_CHECK;

/* True when `name` equals `suffix` or lies below it ("a.example.com" below "example.com"); both
 * normal. */
bool host_is_below(struct str name, struct str suffix);

/* The next parent: "a.b.c" gives "b.c"; an empty view after the last label. */
struct str host_parent(struct str name);

#endif
