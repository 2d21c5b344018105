/* http_body: framing and the chunk validator. One flat loop, no recursion; a chunk-size line or a
 * trailer line is judged when it is whole, so a caller that keeps at most one such line back can
 * pass everything else on. */
#include "proxyd/wire/http_body.h"

#include <string.h>

enum phase { PHASE_SIZE, PHASE_DATA, PHASE_DATA_END, PHASE_TRAILER };

static enum err refuse(const struct http_body *b, struct http_refusal *why, uint16_t status,
                       const char *reason)
{
    *why = (struct http_refusal){b->of_response ? 502 : status, reason};
    return ERR_INVALID;
}

/* --- which framing --------------------------------------------------------------------------- */

static void set_framing(struct http_body *b, enum http_framing framing, uint64_t length)
{
    *b = (struct http_body){.framing = framing, .of_response = b->of_response, .left = length};
    b->is_done = framing == HTTP_BODY_NONE || framing == HTTP_BODY_TUNNEL ||
                 (framing == HTTP_BODY_LENGTH && length == 0);
}

void http_body_of_request(const struct http_head *req, struct http_body *out)
{
    out->of_response = false;
    if (req->is_chunked)
        set_framing(out, HTTP_BODY_CHUNKED, 0);
    else if (req->has_length && req->length)
        set_framing(out, HTTP_BODY_LENGTH, req->length);
    else
        set_framing(out, HTTP_BODY_NONE, 0);
}

enum err http_body_of_response(const struct http_head *res, enum http_method method,
                               struct http_body *out, struct http_refusal *why)
{
    struct http_body b = {.of_response = true};
    bool is_2xx = res->status >= 200 && res->status < 300;
    bool is_bodiless = res->status < 200 || res->status == 204;
    /* RFC 9112 6.1: no chunking of these; a length other than 0 says two things at once. */
    if (is_bodiless && (res->is_chunked || (res->has_length && res->length)))
        return refuse(&b, why, 502, "body-where-none-may-be");
    if (res->status == 101 || (is_2xx && method == HTTP_CONNECT))
        set_framing(&b, HTTP_BODY_TUNNEL, 0);
    else if (is_bodiless || res->status == 304 || method == HTTP_HEAD)
        set_framing(&b, HTTP_BODY_NONE, 0);
    else if (res->is_chunked)
        set_framing(&b, HTTP_BODY_CHUNKED, 0);
    else if (res->has_length)
        set_framing(&b, HTTP_BODY_LENGTH, res->length);
    else
        set_framing(&b, HTTP_BODY_CLOSE, 0);
    *out = b;
    return OK;
}

/* --- lines of the chunked coding ------------------------------------------------------------- */

/* The line at the start of bytes, without its CRLF. ERR_AGAIN while it is not whole. */
static enum err whole_line(const struct http_body *b, struct str bytes, size_t max,
                           struct http_refusal *why, struct str *line)
{
    size_t n = bytes.n < max ? bytes.n : max;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (c == '\n')
            return refuse(b, why, 400, "bare-lf-in-chunked");
        if (c == '\r') {
            if (i + 1 == bytes.n)
                return ERR_AGAIN;
            if (bytes.p[i + 1] != '\n')
                return refuse(b, why, 400, "bare-cr-in-chunked");
            *line = str_sub(bytes, 0, i);
            return OK;
        }
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return refuse(b, why, 400, "control-byte-in-chunked");
    }
    return n == max ? refuse(b, why, 400, "chunk-line-too-long") : ERR_AGAIN;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 1*HEXDIG, at most 16 of them, at most INT64_MAX. *n_digits says where they end. */
static bool read_size(struct str line, uint64_t *size, size_t *n_digits)
{
    uint64_t v = 0;
    size_t i = 0;
    for (; i < line.n && hex_digit(line.p[i]) >= 0; i++) {
        if (i == 16)
            return false;
        v = v << 4 | (unsigned)hex_digit(line.p[i]);
    }
    if (i == 0 || v > INT64_MAX)
        return false;
    *size = v;
    *n_digits = i;
    return true;
}

static size_t token_end(struct str s, size_t i)
{
    while (i < s.n && header_tchar[(unsigned char)s.p[i]])
        i++;
    return i;
}

/* Behind the closing quote, or STR_NPOS. */
static size_t quoted_end(struct str s, size_t i)
{
    for (i++; i < s.n; i++) {
        if (s.p[i] == '"')
            return i + 1;
        if (s.p[i] == '\\')
            i++;
    }
    return STR_NPOS;
}

/* *( ";" name [ "=" ( token / quoted-string ) ] ), without the optional spaces: senders may not
 * write them, and peers disagree on them. */
static bool is_extension(struct str s)
{
    size_t i = 0;
    while (i < s.n) {
        if (s.p[i] != ';')
            return false;
        size_t name = i + 1;
        i = token_end(s, name);
        if (i == name)
            return false;
        if (i == s.n || s.p[i] != '=')
            continue;
        size_t value = i + 1;
        i = value < s.n && s.p[value] == '"' ? quoted_end(s, value) : token_end(s, value);
        if (i == STR_NPOS || i == value)
            return false;
    }
    return true;
}

static enum err take_size(struct http_body *b, struct str bytes, struct http_piece *piece,
                          struct http_refusal *why)
{
    struct str line = {NULL, 0};
    enum err e = whole_line(b, bytes, HTTP_BODY_LINE_MAX, why, &line);
    if (e != OK)
        return e;
    uint64_t size = 0;
    size_t n_digits = 0;
    if (!read_size(line, &size, &n_digits))
        return refuse(b, why, 400, "chunk-size");
    struct str extension = str_sub(line, n_digits, line.n);
    if (!is_extension(extension))
        return refuse(b, why, 400, "chunk-extension");
    b->ext_bytes += (uint32_t)extension.n;
    if (b->ext_bytes > HTTP_BODY_EXT_MAX)
        return refuse(b, why, 400, "chunk-extensions-too-large");
    if (size > INT64_MAX - b->n_content)
        return refuse(b, why, 413, "body-too-large");
    b->left = size;
    b->phase = size ? PHASE_DATA : PHASE_TRAILER;
    piece->n = line.n + 2;
    return OK;
}

static enum err take_data_end(struct http_body *b, struct str bytes, struct http_piece *piece,
                              struct http_refusal *why)
{
    if (bytes.n && bytes.p[0] != '\r')
        return refuse(b, why, 400, "chunk-end");
    if (bytes.n < 2)
        return ERR_AGAIN;
    if (bytes.p[1] != '\n')
        return refuse(b, why, 400, "chunk-end");
    b->phase = PHASE_SIZE;
    piece->n = 2;
    return OK;
}

/* Fields that frame, route or authenticate have no business behind the body (RFC 9110 6.5.1). */
#define TRAILER_REFUSED                                                                            \
    (HEADER_BIT(HEADER_CONTENT_LENGTH) | HEADER_BIT(HEADER_TRANSFER_ENCODING) |                    \
     HEADER_BIT(HEADER_HOST) | HEADER_BIT(HEADER_CONNECTION) | HEADER_BIT(HEADER_TRAILER) |        \
     HEADER_BIT(HEADER_TE) | HEADER_BIT(HEADER_UPGRADE) | HEADER_BIT(HEADER_KEEP_ALIVE) |          \
     HEADER_BIT(HEADER_PROXY_CONNECTION) | HEADER_BIT(HEADER_PROXY_AUTHORIZATION) |                \
     HEADER_BIT(HEADER_PROXY_AUTHENTICATE) | HEADER_BIT(HEADER_AUTHORIZATION) |                    \
     HEADER_BIT(HEADER_WWW_AUTHENTICATE) | HEADER_BIT(HEADER_COOKIE) |                             \
     HEADER_BIT(HEADER_SET_COOKIE) | HEADER_BIT(HEADER_CONTENT_TYPE) |                             \
     HEADER_BIT(HEADER_CONTENT_ENCODING) | HEADER_BIT(HEADER_CONTENT_RANGE) |                      \
     HEADER_BIT(HEADER_CACHE_CONTROL) | HEADER_BIT(HEADER_EXPECT) | HEADER_BIT(HEADER_RANGE) |     \
     HEADER_BIT(HEADER_MAX_FORWARDS) | HEADER_BIT(HEADER_LOCATION))

/* In a request no field that is known to us by name: each has a meaning that it must have before
 * the body, and servers that merge trailers into the head would take it from here. '_' counts as
 * '-', as it does for some of them. */
static bool is_refused_trailer(const struct http_body *b, struct str name)
{
    char plain[32];
    for (size_t i = 0; i < b->n_written; i++)
        if (header_is_like(b->written[i], name))
            return true;
    if (b->veil && veil_drops(b->veil, name))
        return true;
    uint64_t refused = b->of_response ? TRAILER_REFUSED : ~HEADER_BIT(HEADER_OTHER);
    if (name.n > sizeof plain) /* longer than all we know */
        return false;
    for (size_t i = 0; i < name.n; i++)
        plain[i] = name.p[i] == '_' ? '-' : name.p[i];
    return (refused >> header_id_of(str_make(plain, name.n)) & 1) != 0;
}

static enum err take_trailer(struct http_body *b, struct str bytes, struct http_piece *piece,
                             struct http_refusal *why)
{
    struct str line = {NULL, 0};
    size_t room = HTTP_BODY_TRAILER_MAX - b->trailer_bytes;
    enum err e = whole_line(b, bytes, room, why, &line);
    if (e != OK)
        return e;
    piece->n = line.n + 2;
    if (line.n == 0) {
        b->is_done = true;
        return OK;
    }
    size_t colon = str_find(line, ':');
    if (colon == STR_NPOS || !header_is_token(str_sub(line, 0, colon)))
        return refuse(b, why, 400, "trailer");
    if (is_refused_trailer(b, str_sub(line, 0, colon)))
        return refuse(b, why, 400, "trailer-forbidden");
    b->trailer_bytes += (uint32_t)piece->n;
    if (++b->n_trailers > HTTP_BODY_TRAILERS_MAX || b->trailer_bytes >= HTTP_BODY_TRAILER_MAX)
        return refuse(b, why, 400, "trailers-too-large");
    return OK;
}

/* --- taking ---------------------------------------------------------------------------------- */

static void take_content(struct http_body *b, struct str bytes, struct http_piece *piece)
{
    size_t n = bytes.n;
    if (b->framing != HTTP_BODY_CLOSE) {
        n = b->left < n ? (size_t)b->left : n;
        b->left -= n;
    }
    b->n_content += n;
    piece->n = n;
    piece->content = str_sub(bytes, 0, n);
}

static enum err step_chunked(struct http_body *b, struct str bytes, struct http_piece *piece,
                             struct http_refusal *why)
{
    switch ((enum phase)b->phase) {
    case PHASE_SIZE: return take_size(b, bytes, piece, why);
    case PHASE_DATA:
        take_content(b, bytes, piece);
        if (b->left == 0)
            b->phase = PHASE_DATA_END;
        return OK;
    case PHASE_DATA_END: return take_data_end(b, bytes, piece, why);
    case PHASE_TRAILER: return take_trailer(b, bytes, piece, why);
    }
    return refuse(b, why, 400, "chunk-state");
}

enum err http_body_step(struct http_body *b, struct str bytes, struct http_piece *piece,
                        struct http_refusal *why)
{
    *piece = (struct http_piece){0, {bytes.p, 0}};
    if (b->is_done)
        return OK;
    if (bytes.n == 0)
        return ERR_AGAIN;
    if (b->framing == HTTP_BODY_CHUNKED) {
        enum err e = step_chunked(b, bytes, piece, why);
        if (e != OK)
            return e;
    } else {
        take_content(b, bytes, piece);
        b->is_done = b->framing == HTTP_BODY_LENGTH && b->left == 0;
    }
    return b->is_done ? OK : ERR_AGAIN;
}

enum err http_body_take(struct http_body *b, struct str bytes, size_t *n_forward,
                        struct http_refusal *why)
{
    size_t used = 0;
    enum err e;
    struct http_piece piece;
    do {
        e = http_body_step(b, str_sub(bytes, used, bytes.n), &piece, why);
        used += e == ERR_INVALID ? 0 : piece.n;
    } while (e == ERR_AGAIN && piece.n);
    *n_forward = used;
    return e;
}

enum err http_body_eof(struct http_body *b)
{
    if (b->framing == HTTP_BODY_CLOSE)
        b->is_done = true;
    return b->is_done ? OK : ERR_CLOSED;
}

uint64_t http_body_opaque(const struct http_body *b)
{
    if (b->is_done)
        return 0;
    if (b->framing == HTTP_BODY_CLOSE)
        return UINT64_MAX;
    if (b->framing == HTTP_BODY_LENGTH || b->phase == PHASE_DATA)
        return b->left;
    return 0;
}

void http_body_skip(struct http_body *b, uint64_t n)
{
    b->n_content += n;
    if (b->framing == HTTP_BODY_CLOSE)
        return;
    b->left -= n;
    if (b->left == 0) {
        b->is_done = b->framing == HTTP_BODY_LENGTH;
        b->phase = PHASE_DATA_END;
    }
}
