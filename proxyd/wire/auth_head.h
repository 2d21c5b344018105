/* auth_head: Authorization and Proxy-Authorization values (RFC 9110 11.6, RFC 7617, RFC 4559).
 * Pure. Threads: values only. */
#ifndef PROXYD_WIRE_AUTH_HEAD_H
#define PROXYD_WIRE_AUTH_HEAD_H

#include "base/str.h"

#define AUTH_BASIC_MAX 1024 /* bytes of user, colon and password together */

enum auth_scheme { AUTH_OTHER, AUTH_BASIC, AUTH_NEGOTIATE, AUTH_NTLM, AUTH_BEARER };

struct auth_head {
    enum auth_scheme scheme;
    struct str scheme_text; /* as sent */
    struct str token; /* what follows, as sent (base64 for Basic and Negotiate); may be empty */
};

/* Splits; ERR_INVALID: empty, scheme no token, control bytes, more than one space-separated token
 * for Basic, Negotiate, NTLM or Bearer. Views borrow from value. */
enum err auth_head_parse(struct str value, struct auth_head *out) MUST_CHECK;

struct auth_basic {
    char text[AUTH_BASIC_MAX];
    struct str user;     /* never empty; views into text, so the struct must not be copied */
    struct str password; /* may be empty */
};

/* Strict base64 (right padding, no spaces, no stray bits), UTF-8, no control bytes, one colon at
 * least. ERR_INVALID, ERR_LIMIT. */
enum err auth_basic_decode(struct str token, struct auth_basic *out) MUST_CHECK;
void auth_basic_wipe(struct auth_basic *b);

/* Strict base64 of any bytes; out has room for token.n / 4 * 3 bytes. */
enum err auth_base64_decode(struct str token, void *out, size_t room, size_t *n) MUST_CHECK;

#endif
