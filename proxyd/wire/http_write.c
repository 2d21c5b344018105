/* http_write: forwarded heads are runs of unchanged lines, one memcpy each; with nothing to leave
 * out a whole head is one. Room is reserved once, by a bound that every piece written stays under.
 */
#include "proxyd/wire/http_write.h"

#include <string.h>

#define BIT HEADER_BIT

/* Belongs to one hop, or is written anew. */
#define REQUEST_DROP                                                                               \
    (BIT(HEADER_CONNECTION) | BIT(HEADER_PROXY_CONNECTION) | BIT(HEADER_KEEP_ALIVE) |              \
     BIT(HEADER_TE) | BIT(HEADER_TRANSFER_ENCODING) | BIT(HEADER_UPGRADE) |                        \
     BIT(HEADER_PROXY_AUTHORIZATION) | BIT(HEADER_PROXY_AUTHENTICATE) |                            \
     BIT(HEADER_PROXY_AUTHENTICATION_INFO) | BIT(HEADER_HTTP2_SETTINGS) | BIT(HEADER_HOST))
#define RESPONSE_DROP                                                                              \
    (BIT(HEADER_CONNECTION) | BIT(HEADER_PROXY_CONNECTION) | BIT(HEADER_KEEP_ALIVE) |              \
     BIT(HEADER_TE) | BIT(HEADER_TRANSFER_ENCODING) | BIT(HEADER_UPGRADE) |                        \
     BIT(HEADER_PROXY_AUTHORIZATION) | BIT(HEADER_PROXY_AUTHENTICATE) |                            \
     BIT(HEADER_PROXY_AUTHENTICATION_INFO))

static char *put(char *at, struct str s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *put_u64(char *at, uint64_t v)
{
    char digits[20];
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    return put(at, str_make(digits + i, sizeof digits - i));
}

/* --- fields that came ------------------------------------------------------------------------ */

static bool is_dropped_name(const struct http_forward *how, struct str name)
{
    for (size_t i = 0; i < how->n_drop_names; i++)
        if (header_is_like(how->drop_names[i], name))
            return true;
    return false;
}

static char *put_authority(char *at, const struct url *u, bool with_port)
{
    bool has_brackets = u->host.is_ip && !ip_is_v4(&u->host.ip);
    if (has_brackets)
        *at++ = '[';
    at = put(at, host_str(&u->host));
    if (has_brackets)
        *at++ = ']';
    if (with_port) {
        *at++ = ':';
        at = put_u64(at, u->port);
    }
    return at;
}

static char *put_host(char *at, const struct http_head *req, struct str name)
{
    if (req->url.host.n == 0)
        return at;
    bool with_port = req->form == HTTP_FORM_AUTHORITY || !req->url.is_port_default;
    at = put(at, name);
    at = put(at, STR(": "));
    at = put_authority(at, &req->url, with_port);
    return put(at, STR("\r\n"));
}

/* The two words that may be told again, once each and as they were spelled: keep-alive, and upgrade
 * where it is; all at the first Connection field, so that it never outgrows what is reserved. */
static char *put_words(char *at, const struct http_head *h, const struct http_forward *how,
                       struct str name)
{
    struct str list, word;
    bool has_kept = false, has_upgraded = !how->is_upgrade;
    for (size_t from = 0; headers_next(&h->h, HEADER_CONNECTION, &from, &list);)
        while (headers_list_next(&list, &word)) {
            bool is_keep = str_eq_nocase(word, STR("keep-alive"));
            bool *has = is_keep ? &has_kept : &has_upgraded;
            if (*has || (!is_keep && !str_eq_nocase(word, STR("upgrade"))))
                continue;
            bool is_first = !has_kept && (!how->is_upgrade || !has_upgraded);
            at = put(put(at, is_first ? name : STR("")), is_first ? STR(": ") : STR(", "));
            at = put(at, word);
            *has = true;
        }
    return has_kept || (how->is_upgrade && has_upgraded) ? put(at, STR("\r\n")) : at;
}

/* A browser says "Proxy-Connection: keep-alive" where it would say Connection to a server, curl
 * says "Keep-Alive" and would say nothing: the spelling tells whether it becomes Connection. */
static char *put_connection_again(char *at, const struct http_head *h,
                                  const struct http_forward *how, size_t i)
{
    enum header_id id = h->h.f[i].id;
    if (i != h->h.first[id])
        return at;
    if (id == HEADER_CONNECTION)
        return put_words(at, h, how, headers_name_at(&h->h, i));
    bool is_browsers = !headers_has(&h->h, HEADER_CONNECTION) &&
                       str_eq(headers_value_at(&h->h, i), STR("keep-alive"));
    return is_browsers ? put(at, STR("Connection: keep-alive\r\n")) : at;
}

/* A field that is written anew, but where and as the client wrote it. */
static char *put_again(char *at, const struct http_head *h, const struct http_forward *how,
                       size_t i)
{
    enum header_id id = h->h.f[i].id;
    if (id == HEADER_HOST)
        return put_host(at, h, headers_name_at(&h->h, i));
    if (id == HEADER_CONNECTION || id == HEADER_PROXY_CONNECTION)
        return put_connection_again(at, h, how, i);
    if (id != HEADER_TRANSFER_ENCODING)
        return at;
    at = put(at, headers_name_at(&h->h, i));
    return put(at, STR(": chunked\r\n"));
}

static bool is_kept(const struct http_head *h, const struct http_forward *how, size_t i)
{
    struct str name = headers_name_at(&h->h, i);
    if (h->h.f[i].id == HEADER_OTHER &&
        (http_head_is_listed(h, name) || (how->veil && veil_drops(how->veil, name))))
        return false;
    return !is_dropped_name(how, name);
}

static bool is_all_kept(const struct http_head *h, const struct http_forward *how, uint64_t drop)
{
    uint64_t doubtful = how->veil && how->veil->classes ? drop | BIT(HEADER_OTHER) : drop;
    return (h->h.seen & doubtful) == 0 && !h->has_listed && how->n_drop_names == 0;
}

static char *put_kept(char *at, const struct http_head *h, const struct http_forward *how,
                      uint64_t drop)
{
    const struct headers *set = &h->h;
    uint32_t run = h->fields_at;
    bool is_in_place = how->veil && how->veil->is_in_place;
    if (is_all_kept(h, how, drop))
        return put(at, str_make(set->base + run, set->end_at - run));
    for (size_t i = 0; i < set->n; i++) {
        const struct header *f = &set->f[i];
        if ((drop >> f->id & 1) == 0 && is_kept(h, how, i))
            continue;
        at = put(at, str_make(set->base + run, f->name_at - run));
        if (is_in_place && !is_dropped_name(how, headers_name_at(set, i)))
            at = put_again(at, h, how, i);
        run = i + 1 < set->n ? set->f[i + 1].name_at : set->end_at;
    }
    return put(at, str_make(set->base + run, set->end_at - run));
}

static char *put_via(char *at, const struct http_head *h, const struct http_forward *how)
{
    if (how->via.n == 0)
        return at;
    at = put(at, h->minor == 0 ? STR("Via: 1.0 ") : STR("Via: 1.1 "));
    at = put(at, how->via);
    return put(at, STR("\r\n"));
}

static char *put_connection(char *at, const struct http_forward *how)
{
    if (how->is_upgrade)
        return put(at, STR("Connection: upgrade\r\n"));
    if (how->is_close)
        return put(at, STR("Connection: close\r\n"));
    return how->to_http10 ? put(at, STR("Connection: keep-alive\r\n")) : at;
}

static enum err reserve(struct buf *out, const struct http_head *h, const struct http_forward *how)
{
    return buf_reserve(out, (size_t)h->n_bytes + how->via.n + how->extra.n + how->path_query.n +
                                how->authorization.n + HTTP_WRITE_EXTRA);
}

static void finish(struct buf *out, const char *at)
{
    out->n = (size_t)(at - out->p);
}

/* --- requests -------------------------------------------------------------------------------- */

static char *put_path(char *at, const struct url *u, const struct http_forward *how)
{
    struct str path_query = how->path_query.n ? how->path_query : u->path_query;
    if (path_query.n == 0 || path_query.p[0] != '/')
        *at++ = '/';
    return put(at, path_query);
}

static char *put_target(char *at, const struct http_head *req, const struct http_forward *how)
{
    const struct url *u = &req->url;
    if (req->form == HTTP_FORM_AUTHORITY)
        return put_authority(at, u, true);
    bool is_bare = req->method == HTTP_OPTIONS && req->is_path_empty;
    if (how->is_absolute && u->host.n) {
        at = put(at, u->scheme == URL_HTTPS ? STR("https://") : STR("http://"));
        at = put_authority(at, u, !u->is_port_default);
        /* OPTIONS without a path must reach the last proxy without one (RFC 9112 3.2.4). */
        return is_bare || req->form == HTTP_FORM_ASTERISK ? at : put_path(at, u, how);
    }
    if (is_bare || req->form == HTTP_FORM_ASTERISK)
        return put(at, STR("*"));
    return put_path(at, u, how);
}

/* "Content-Length: 5" in just this shape? Zeros in front, tabs and more spaces are sound, but
 * servers are not of one mind on them; where a message ends is said in one way only. */
static bool is_length_plain(const struct http_head *req)
{
    const struct header *f = &req->h.f[req->h.first[HEADER_CONTENT_LENGTH]];
    const char *p = req->h.base;
    uint32_t from = f->name_at + f->name_n;
    return f->value_at == from + 2 && p[from + 1] == ' ' && p[f->value_end] == '\r' &&
           (p[f->value_at] != '0' || f->value_end == f->value_at + 1);
}

enum err http_write_request(const struct http_head *req, const struct http_forward *how,
                            struct buf *out)
{
    enum err e = reserve(out, req, how);
    if (e != OK)
        return e;
    uint64_t drop = REQUEST_DROP | how->drop | (how->veil ? how->veil->drop : 0);
    bool is_in_place = how->veil && how->veil->is_in_place;
    if (how->is_upgrade)
        drop &= ~BIT(HEADER_UPGRADE);
    if (req->has_max_forwards)
        drop |= BIT(HEADER_MAX_FORWARDS);
    bool is_length_anew = req->has_length && !is_length_plain(req);
    if (is_length_anew)
        drop |= BIT(HEADER_CONTENT_LENGTH);
    char *at = put(out->p + out->n, req->method_text);
    *at++ = ' ';
    at = put_target(at, req, how);
    at = put(at, STR(" HTTP/1.1\r\n"));
    if (!is_in_place || !headers_has(&req->h, HEADER_HOST))
        at = put_host(at, req, STR("Host"));
    at = put_kept(at, req, how, drop);
    at = put_via(at, req, how);
    if (req->has_max_forwards) {
        at = put(at, STR("Max-Forwards: "));
        at = put_u64(at, req->max_forwards ? req->max_forwards - 1 : 0);
        at = put(at, STR("\r\n"));
    }
    if (is_length_anew) {
        at = put(at, STR("Content-Length: "));
        at = put_u64(at, req->length);
        at = put(at, STR("\r\n"));
    }
    if (req->is_chunked && !is_in_place)
        at = put(at, STR("Transfer-Encoding: chunked\r\n"));
    if (how->authorization.n) {
        at = put(at, STR("Proxy-Authorization: "));
        at = put(at, how->authorization);
        at = put(at, STR("\r\n"));
    }
    if (!is_in_place || how->is_close)
        at = put_connection(at, how);
    at = put(at, how->extra);
    finish(out, put(at, STR("\r\n")));
    return OK;
}

/* --- responses ------------------------------------------------------------------------------- */

static bool is_bodiless(uint16_t status)
{
    return status < 200 || status == 204;
}

static char *put_status(char *at, uint16_t status, struct str reason)
{
    at = put(at, STR("HTTP/1.1 "));
    at = put_u64(at, status);
    *at++ = ' ';
    at = put(at, reason);
    return put(at, STR("\r\n"));
}

enum err http_write_response(const struct http_head *res, const struct http_forward *how,
                             struct buf *out)
{
    enum err e = reserve(out, res, how);
    if (e != OK)
        return e;
    uint64_t drop = RESPONSE_DROP | how->drop;
    if (how->is_upgrade)
        drop &= ~BIT(HEADER_UPGRADE);
    if (is_bodiless(res->status))
        drop |= BIT(HEADER_CONTENT_LENGTH);
    if (how->is_dechunked)
        drop |= BIT(HEADER_TRAILER);
    char *at = put_status(out->p + out->n, res->status, res->reason);
    at = put_kept(at, res, how, drop);
    at = put_via(at, res, how);
    if (res->is_chunked && !how->is_dechunked && !is_bodiless(res->status))
        at = put(at, STR("Transfer-Encoding: chunked\r\n"));
    at = put_connection(at, how);
    at = put(at, how->extra);
    finish(out, put(at, STR("\r\n")));
    return OK;
}

/* --- our own --------------------------------------------------------------------------------- */

struct str http_reason(uint16_t status)
{
    static const struct {
        uint16_t status;
        struct str text;
    } reasons[] = {
        {100, {"Continue", 8}},
        {101, {"Switching Protocols", 19}},
        {200, {"OK", 2}},
        {204, {"No Content", 10}},
        {301, {"Moved Permanently", 17}},
        {302, {"Found", 5}},
        {303, {"See Other", 9}},
        {304, {"Not Modified", 12}},
        {307, {"Temporary Redirect", 18}},
        {308, {"Permanent Redirect", 18}},
        {400, {"Bad Request", 11}},
        {401, {"Unauthorized", 12}},
        {403, {"Forbidden", 9}},
        {404, {"Not Found", 9}},
        {405, {"Method Not Allowed", 18}},
        {407, {"Proxy Authentication Required", 29}},
        {408, {"Request Timeout", 15}},
        {411, {"Length Required", 15}},
        {413, {"Content Too Large", 17}},
        {414, {"URI Too Long", 12}},
        {417, {"Expectation Failed", 18}},
        {421, {"Misdirected Request", 19}},
        {426, {"Upgrade Required", 16}},
        {429, {"Too Many Requests", 17}},
        {431, {"Request Header Fields Too Large", 31}},
        {451, {"Unavailable For Legal Reasons", 29}},
        {500, {"Internal Server Error", 21}},
        {501, {"Not Implemented", 15}},
        {502, {"Bad Gateway", 11}},
        {503, {"Service Unavailable", 19}},
        {504, {"Gateway Timeout", 15}},
        {505, {"HTTP Version Not Supported", 26}},
        {508, {"Loop Detected", 13}},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return STR("Unknown");
}

static void put_2(char *at, unsigned v)
{
    at[0] = (char)('0' + v / 10 % 10);
    at[1] = (char)('0' + v % 10);
}

/* Days since 1970 to a date: Euclid's way over 400-year eras that begin on the first of March. */
static void civil(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = (unsigned)(yoe + era * 400 + (*month <= 2));
}

void http_date_format(int64_t unix_s, char out[HTTP_DATE_BYTES])
{
    static const char shape[] = "Ddd, 00 Mmm 0000 00:00:00 GMT";
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const int64_t last = INT64_C(253402300799); /* the end of the year 9999 */
    int64_t t = unix_s < 0 ? 0 : unix_s > last ? last : unix_s;
    unsigned year, month, day, second = (unsigned)(t % 86400);
    civil(t / 86400, &year, &month, &day);
    for (size_t i = 0; i < HTTP_DATE_BYTES; i++)
        out[i] = shape[i];
    memcpy(out, days + (size_t)(t / 86400 % 7) * 3, 3);
    put_2(out + 5, day);
    memcpy(out + 8, months + (size_t)(month - 1) * 3, 3);
    put_2(out + 12, year / 100);
    put_2(out + 14, year);
    put_2(out + 17, second / 3600);
    put_2(out + 20, second / 60 % 60);
    put_2(out + 23, second % 60);
}

/* Inside double quotes: printable ASCII only (RFC 8941 3.3.3), the rest becomes '?'. */
static void add_quoted(struct buf *b, struct str s)
{
    buf_add_c(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"' || c == '\\')
            buf_add_c(b, '\\');
        buf_add_c(b, c >= 0x20 && c < 0x7f ? c : '?');
    }
    buf_add_c(b, '"');
}

/* RFC 8941 3.3.4: a token begins with a letter; other names go as strings. */
static bool is_sf_token(struct str s)
{
    char first = s.n ? str_lower(s.p[0]) : '0';
    return first >= 'a' && first <= 'z' && header_is_token(s);
}

static void add_proxy_status(struct buf *b, const struct http_reply *r)
{
    if (r->node.n == 0)
        return;
    buf_add(b, STR("Proxy-Status: "));
    if (is_sf_token(r->node))
        buf_add(b, r->node);
    else
        add_quoted(b, r->node);
    if (is_sf_token(r->error)) {
        buf_add(b, STR("; error="));
        buf_add(b, r->error);
    }
    if (r->details.n) {
        buf_add(b, STR("; details="));
        add_quoted(b, r->details);
    }
    buf_add(b, STR("\r\n"));
}

static void add_challenge(struct buf *b, const struct http_reply *r)
{
    if (r->basic_realm.n == 0 || (r->status != 401 && r->status != 407))
        return;
    buf_add(b, r->status == 407 ? STR("Proxy-Authenticate: Basic realm=")
                                : STR("WWW-Authenticate: Basic realm="));
    add_quoted(b, r->basic_realm);
    buf_add(b, STR(", charset=\"UTF-8\"\r\n"));
}

enum err http_write_reply(const struct http_reply *r, struct buf *out)
{
    char date[HTTP_DATE_BYTES];
    http_date_format(r->now_s, date);
    struct str reason = http_reason(r->status);
    enum err e =
        buf_reserve(out, HTTP_WRITE_EXTRA + reason.n + r->content_type.n + r->extra.n +
                             2 * (r->node.n + r->details.n + r->basic_realm.n) + r->error.n);
    if (e != OK)
        return e;
    finish(out, put_status(out->p + out->n, r->status, reason));
    buf_add(out, STR("Date: "));
    buf_add(out, str_make(date, sizeof date));
    buf_add(out, STR("\r\n"));
    if (r->content_type.n) {
        buf_add(out, STR("Content-Type: "));
        buf_add(out, r->content_type);
        buf_add(out, STR("\r\n"));
    }
    if (!is_bodiless(r->status) && r->status != 304) {
        buf_add(out, STR("Content-Length: "));
        buf_add_u64(out, r->body_bytes);
        buf_add(out, STR("\r\n"));
    }
    add_challenge(out, r);
    add_proxy_status(out, r);
    buf_add(out, r->extra);
    buf_add(out, r->is_close ? STR("Connection: close\r\n\r\n") : STR("\r\n"));
    return out->failed ? ERR_NOMEM : OK;
}
