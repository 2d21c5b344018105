/* proxy_line: the PROXY protocol header, versions 1 and 2, in front of a connection. Pure.
 * See: haproxy.org/download/2.9/doc/proxy-protocol.txt. */
#ifndef PROXYD_WIRE_PROXY_LINE_H
#define PROXYD_WIRE_PROXY_LINE_H

#include "base/cidr.h"

#define PROXY_LINE_MAX 536 /* v1: 107; v2: header 16, addresses 36 and this much for TLVs */

struct proxy_line {
    bool is_local;      /* no address told (LOCAL, UNKNOWN, UNIX): use the socket's own */
    struct ip_port src; /* the client */
    struct ip_port dst;
    size_t n_bytes; /* of the header; the stream starts behind it */
};

/* ERR_AGAIN: more needed. ERR_INVALID: no valid header here; close. ERR_LIMIT: too long. */
enum err proxy_line_parse(struct str bytes, struct proxy_line *out) MUST_CHECK;

#define PROXY_LINE_V1_MAX 107
/* Version 1 text for a parent that wants it; returns the bytes written. */
size_t proxy_line_write(const struct ip_port *src, const struct ip_port *dst,
                        char out[PROXY_LINE_V1_MAX]);
#define PROXY_LINE_V2_MAX 52
/* Version 2: binary, 28 or 52 bytes; 16 (LOCAL) when the families differ. */
size_t proxy_line_write_v2(const struct ip_port *src, const struct ip_port *dst,
                           char out[PROXY_LINE_V2_MAX]);

#endif
