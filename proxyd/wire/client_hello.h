/* client_hello: what a TLS client asks for, read from its first bytes without a TLS library, so
 * that a tunnel can be judged by its SNI before anything is opened. Pure; the bytes are not kept.
 * Limit: CLIENT_HELLO_MAX bytes, 16 records. See: RFC 8446 4.1.2, RFC 6066 3, RFC 7301. */
#ifndef PROXYD_WIRE_CLIENT_HELLO_H
#define PROXYD_WIRE_CLIENT_HELLO_H

#include "base/host.h"

#define CLIENT_HELLO_MAX  16384 /* of the handshake message */
#define CLIENT_HELLO_ALPN 8

struct client_hello {
    bool has_sni;
    bool has_ech; /* encrypted ClientHello: the SNI is only the outer name */
    bool has_alpn_h2;
    bool has_alpn_http11;
    uint16_t version; /* highest offered: 0x0304 is TLS 1.3 */
    struct host sni;  /* normal form, when has_sni */
    uint8_t n_alpn;
    char alpn[CLIENT_HELLO_ALPN][32]; /* zero-terminated; longer or binary ones are left out */
};

/* bytes: all that the client sent so far. ERR_AGAIN: more needed. ERR_INVALID: not a TLS
 * ClientHello, or a malformed one. ERR_LIMIT: too large. */
enum err client_hello_parse(struct str bytes, struct client_hello *out) MUST_CHECK;

#endif
