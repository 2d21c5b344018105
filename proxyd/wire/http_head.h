/* http_head: strict HTTP/1.x request and response heads, parsed in place in one pass. The caller
 * keeps the bytes of one head contiguous from its first byte on and asks again when more have come;
 * what was scanned is not scanned again, and the buffer may move between two calls that answered
 * ERR_AGAIN. Every ambiguity is refused, nothing is repaired. Pure.
 * Owner: caller's storage, about 5 KiB; no heap. Borrows: after OK all views point into `bytes` of
 * that call. Limit: struct http_limits. See: RFC 9112 2 to 6, RFC 9110 5, 7.2, 7.6. */
#ifndef PROXYD_WIRE_HTTP_HEAD_H
#define PROXYD_WIRE_HTTP_HEAD_H

#include "base/url.h"
#include "proxyd/wire/headers.h"

struct http_limits {
    uint32_t head_bytes;  /* start line, fields and the empty line together */
    uint32_t line_bytes;  /* start line: method, target and version together */
    uint32_t field_bytes; /* one field line */
    uint16_t n_fields;    /* at most HEADERS_MAX */
};
extern const struct http_limits http_limits_default; /* 128 KiB, 32 KiB, 64 KiB + 256, 128 */

enum http_method {
    HTTP_OTHER, /* any other token, such as PROPFIND; forwarded by its text */
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_CONNECT,
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_PATCH,
};

enum http_form { /* of the request target, RFC 9112 3.2 */
                 HTTP_FORM_ORIGIN,
                 HTTP_FORM_ABSOLUTE,
                 HTTP_FORM_AUTHORITY, /* CONNECT */
                 HTTP_FORM_ASTERISK,  /* OPTIONS * */
};

/* Why a message was refused: what to answer (for a response: what to answer in its place) and a
 * short token for the record, such as "bare-lf". Static storage. */
struct http_refusal {
    uint16_t status;
    const char *reason;
};

struct http_head {
    /* both kinds, valid after OK */
    struct headers h;
    uint32_t n_bytes;   /* of the head with its empty line; the body starts here */
    uint32_t start_at;  /* of the start line: 0, or 2 behind one empty line (RFC 9112 2.2) */
    uint32_t fields_at; /* of the first field line */
    uint8_t minor;      /* HTTP/1.minor: 0 or 1 */
    bool is_response;
    bool has_length;    /* Content-Length */
    bool is_chunked;    /* Transfer-Encoding: chunked */
    bool is_close;      /* Connection says close, or 1.0 without keep-alive */
    bool wants_upgrade; /* Connection lists upgrade, and Upgrade names one protocol, not HTTP/2 */
    bool has_listed;    /* Connection lists names that are in no way known to us */
    uint64_t length;    /* when has_length */
    /* request */
    bool expects_continue; /* Expect: 100-continue, and not HTTP/1.0 */
    bool has_max_forwards;
    bool is_path_empty; /* absolute form without path or query */
    uint32_t max_forwards;
    enum http_method method;
    enum http_form form;
    struct str method_text;
    struct str target; /* as sent */
    /* Where it goes, normalised. Absolute form: the target; authority form: scheme https, empty
     * path_query; origin and asterisk form: from the Host field (host.n 0 when a 1.0 request has
     * none), scheme http, path_query is the target. */
    struct url url;
    /* response */
    uint16_t status;
    struct str reason;
    /* private: progress of the scan */
    const struct http_limits *limits;
    uint32_t at;       /* next byte to look at */
    uint32_t line;     /* start of the line that is being looked at */
    uint32_t url_at;   /* start of the target, or of the reason */
    uint32_t line_end; /* end of the target, or of the reason */
    uint8_t phase;
};

/* Makes ready for a new head. limits: NULL for the default; borrowed until the head is parsed. */
void http_head_init_request(struct http_head *h, const struct http_limits *limits);
void http_head_init_response(struct http_head *h, const struct http_limits *limits);

/* bytes: all bytes from the start of this head on that have come (more may follow behind it).
 * OK: complete and valid. ERR_AGAIN: valid so far, more needed. ERR_INVALID: refused, see *why
 * (requests 400, 414, 431, 501, 505, 417; responses 502); close after the answer. */
enum err http_head_parse(struct http_head *h, struct str bytes,
                         struct http_refusal *why) MUST_CHECK;

/* Does a Via field name this pseudonym (case-insensitive)? Then the request loops. */
bool http_head_via_has(const struct http_head *h, struct str pseudonym);

/* Is this a name that Connection lists, to be removed when forwarding? Names that carry meaning
 * end to end (Host, Content-Length, Authorization, Cookie, Via, X-Forwarded-For, ...) never are. */
bool http_head_is_listed(const struct http_head *h, struct str name);

/* May a request be sent again on a new connection when a pooled one turned out dead? RFC 9110
 * 9.2.2; the caller adds: only with no body sent. */
bool http_method_is_idempotent(enum http_method m);

#endif
