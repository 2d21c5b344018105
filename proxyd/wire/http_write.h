/* http_write: heads as we send them. Forwarded ones are the parsed fields copied in runs, less what
 * belongs to one hop (RFC 9110 7.6.1) and what must not travel (Proxy-Authorization), plus ours.
 * Each function reserves its room once and then only copies. A buf whose cap equals its ceiling
 * never touches the heap. Pure. See: RFC 9110 7.6, RFC 9112 3.2, RFC 9209. */
#ifndef PROXYD_WIRE_HTTP_WRITE_H
#define PROXYD_WIRE_HTTP_WRITE_H

#include "base/buf.h"
#include "proxyd/wire/http_head.h"
#include "proxyd/wire/veil.h"

#define HTTP_CONTINUE    "HTTP/1.1 100 Continue\r\n\r\n"
#define HTTP_ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"
#define HTTP_WRITE_EXTRA                                                                           \
    1024 /* room over head bytes, `via`, `extra` and `path_query` that a forwarded head may take   \
          */

struct http_forward {
    struct str via;   /* our pseudonym: Via: 1.1 <via> is added to what came; empty: not added */
    struct str extra; /* whole lines of ours, each with CRLF; may be empty */
    uint64_t drop;    /* HEADER_BIT of further fields to leave out */
    const struct veil *veil;      /* request: the listener's privacy; NULL: nothing left out */
    const struct str *drop_names; /* fields to leave out by name, any case, '_' as '-' */
    size_t n_drop_names;
    struct str path_query; /* request: in place of the one that came; empty: that one */
    bool is_close;         /* write Connection: close */
    struct str
        authorization; /* request to a parent proxy: value of Proxy-Authorization; or empty */
    bool is_absolute;  /* request: keep the absolute form (the next hop is a proxy) */
    bool is_upgrade;   /* pass Upgrade on: Connection: upgrade */
    bool is_dechunked; /* response: the body goes without its chunks; Transfer-Encoding is left out
                        */
    bool to_http10; /* response: the client speaks 1.0: say Connection: keep-alive unless close */
};

/* The request as it goes upstream: origin form (authority form for CONNECT to a parent proxy,
 * `*` for OPTIONS without a path), Host from the target, Max-Forwards counted down, HTTP/1.1.
 * ERR_LIMIT or ERR_NOMEM: does not fit `out`. */
enum err http_write_request(const struct http_head *req, const struct http_forward *how,
                            struct buf *out) MUST_CHECK;

/* The response as it goes to the client; final ones and 1xx. */
enum err http_write_response(const struct http_head *res, const struct http_forward *how,
                             struct buf *out) MUST_CHECK;

/* A response of our own. */
struct http_reply {
    uint16_t status;
    bool is_close;
    uint64_t body_bytes;     /* written as Content-Length, but never with 1xx, 204 and 304 */
    int64_t now_s;           /* Unix time for Date */
    struct str content_type; /* empty: none */
    struct str node;         /* for Proxy-Status; empty: no such field */
    struct str error; /* RFC 9209 2.3 error type token, such as http_request_denied; may be empty */
    struct str details; /* free text; may be empty */
    struct str
        basic_realm;  /* 407 and 401 only: Proxy-Authenticate: Basic realm="..", charset="UTF-8" */
    struct str extra; /* whole lines of ours, each with CRLF */
};
enum err http_write_reply(const struct http_reply *r, struct buf *out) MUST_CHECK;

struct str http_reason(uint16_t status); /* reason phrase; "Unknown" for codes not registered */

#define HTTP_DATE_BYTES 29
/* "Sun, 06 Nov 1994 08:49:37 GMT", no terminating zero. */
void http_date_format(int64_t unix_s, char out[HTTP_DATE_BYTES]);

#endif
