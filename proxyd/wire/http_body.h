/* http_body: how a message's body is framed, and an incremental validator of it that is made for
 * passing bytes on: it says how many of them are sound and may be forwarded as they are. Framing
 * bytes (chunk-size lines, trailers) are let through only as whole valid lines, so no broken byte
 * ever reaches the other side. Pure. Owner: caller's storage, no heap.
 * Limit: a chunk-size line 1 KiB, all extensions of a body 16 KiB, trailers 16 KiB and 64 lines.
 * See: RFC 9112 6, 7. */
#ifndef PROXYD_WIRE_HTTP_BODY_H
#define PROXYD_WIRE_HTTP_BODY_H

#include "proxyd/wire/http_head.h"
#include "proxyd/wire/veil.h"

#define HTTP_BODY_LINE_MAX     1024
#define HTTP_BODY_EXT_MAX      16384
#define HTTP_BODY_TRAILER_MAX  16384
#define HTTP_BODY_TRAILERS_MAX 64

enum http_framing {
    HTTP_BODY_NONE,    /* the message ends with its head */
    HTTP_BODY_LENGTH,  /* Content-Length */
    HTTP_BODY_CHUNKED, /* chunked */
    HTTP_BODY_CLOSE,   /* a response that ends when the connection does */
    HTTP_BODY_TUNNEL,  /* 2xx to CONNECT, or 101: from here on bytes without end, both ways */
};

struct http_body {
    enum http_framing framing;
    bool is_done;
    bool of_response;
    uint8_t phase;
    uint16_t n_trailers;
    uint32_t ext_bytes;     /* chunk extensions seen */
    uint32_t trailer_bytes; /* trailer bytes seen */
    uint64_t left;          /* LENGTH: bytes to come; CHUNKED: of this chunk */
    uint64_t n_content;     /* content bytes let through so far, framing not counted */
    /* further names that no trailer may have; borrowed, set by who writes these fields himself */
    const struct str *written;
    size_t n_written;
    const struct veil *veil; /* request: what no trailer may tell either; borrowed, or NULL */
};

/* One step of taking bytes apart. */
struct http_piece {
    size_t n;           /* bytes of the input used up, 0 only when more are needed */
    struct str content; /* the content among them: a view into the input, may be empty */
};

/* Framing of a parsed request; is_done at once when there is no body. */
void http_body_of_request(const struct http_head *req, struct http_body *out);

/* Framing of a parsed response to a request with this method. 1xx, 204, 304 and answers to HEAD
 * have none whatever their fields say. ERR_INVALID: fields that contradict it (a chunked 1xx or
 * 204, a Content-Length above 0 in one), answer *why instead. */
enum err http_body_of_response(const struct http_head *res, enum http_method method,
                               struct http_body *out, struct http_refusal *why) MUST_CHECK;

/* Looks at bytes that came (those behind the head, or behind what was forwarded). *n_forward of
 * them are valid and go on verbatim; the rest must be offered again, with more behind.
 * OK: the body ends exactly behind them (surplus bytes belong to the next message, or are an error
 * in a response). ERR_AGAIN: more to come. ERR_INVALID: *why; *n_forward are still sound. */
enum err http_body_take(struct http_body *b, struct str bytes, size_t *n_forward,
                        struct http_refusal *why) MUST_CHECK;

/* As above but one piece at a time, for a receiver that wants the content without the chunks
 * (HTTP/1.0 clients, scanners). Same answers; on ERR_AGAIN with piece->n 0 more bytes are needed.
 */
enum err http_body_step(struct http_body *b, struct str bytes, struct http_piece *piece,
                        struct http_refusal *why) MUST_CHECK;

/* The sender closed. OK: the body is complete (or ends so by its framing); ERR_CLOSED: cut. */
enum err http_body_eof(struct http_body *b) MUST_CHECK;

/* Bytes that may be moved without being looked at (splice): the rest of the length, of the chunk,
 * or UINT64_MAX. After moving n of them tell http_body_skip. */
uint64_t http_body_opaque(const struct http_body *b);
void http_body_skip(struct http_body *b, uint64_t n);

#endif
