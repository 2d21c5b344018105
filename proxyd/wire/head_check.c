/* head_check: the rules that look at more than one line of a head. Each refusal is one line here
 * and one row with its RFC section in tests/unit/wire. */
#include "proxyd/wire/head_check.h"

#include <string.h>

#define CONNECTION_ITEMS_MAX 64

static enum err refuse(struct http_refusal *why, uint16_t status, const char *reason)
{
    *why = (struct http_refusal){status, reason};
    return ERR_INVALID;
}

static bool is_twice(const struct http_head *h, enum header_id id)
{
    return (h->h.twice >> id & 1) != 0;
}

/* --- Connection ------------------------------------------------------------------------------ */

struct connection {
    bool close, keep_alive, upgrade, listed;
    unsigned n;
};

static void connection_item(struct connection *c, struct str item)
{
    if (str_eq_nocase(item, STR("close")))
        c->close = true;
    else if (str_eq_nocase(item, STR("keep-alive")))
        c->keep_alive = true;
    else if (str_eq_nocase(item, STR("upgrade")))
        c->upgrade = true;
    else if (header_id_of(item) == HEADER_OTHER)
        c->listed = true;
}

/* One protocol, and none in which requests would pass that nobody judges: h2c, another HTTP, or TLS
 * with HTTP in it (RFC 2817). */
static bool is_plain_upgrade(const struct http_head *h)
{
    struct str to = headers_value(&h->h, HEADER_UPGRADE);
    return to.n && !is_twice(h, HEADER_UPGRADE) && str_find(to, ',') == STR_NPOS &&
           !str_starts_nocase(to, STR("h2")) && !str_starts_nocase(to, STR("http")) &&
           !str_starts_nocase(to, STR("tls")) && !headers_has(&h->h, HEADER_HTTP2_SETTINGS);
}

static enum err read_connection(struct http_head *h, struct http_refusal *why)
{
    struct connection c = {0};
    struct str value, item;
    for (size_t at = 0; headers_next(&h->h, HEADER_CONNECTION, &at, &value);) {
        while (headers_list_next(&value, &item)) {
            if (++c.n > CONNECTION_ITEMS_MAX)
                return refuse(why, 400, "connection-list");
            if (header_is_token(item))
                connection_item(&c, item);
            else if (h->is_response)
                c.close = true; /* not understood: do not build on it */
            else
                return refuse(why, 400, "connection-list");
        }
    }
    if (!h->is_response && headers_list_has(&h->h, HEADER_PROXY_CONNECTION, STR("close")))
        c.close = true;
    h->is_close = c.close || (h->minor == 0 && !c.keep_alive);
    h->wants_upgrade = c.upgrade && h->minor == 1 && is_plain_upgrade(h);
    h->has_listed = c.listed;
    return OK;
}

/* --- framing --------------------------------------------------------------------------------- */

/* Servers behind us may read '_' as '-'; such a name next to real framing is never innocent. */
static bool has_disguise(const struct headers *h)
{
    for (size_t i = 0; i < h->n; i++) {
        struct str name = headers_name_at(h, i);
        if (h->f[i].id != HEADER_OTHER || (name.n != 14 && name.n != 17))
            continue;
        if (str_eq_nocase(name, STR("content_length")) ||
            str_eq_nocase(name, STR("transfer_encoding")))
            return true;
    }
    return false;
}

static enum err read_coding(struct http_head *h, struct http_refusal *why)
{
    struct str coding = headers_value(&h->h, HEADER_TRANSFER_ENCODING);
    if (is_twice(h, HEADER_TRANSFER_ENCODING))
        return refuse(why, 400, "transfer-encoding-twice");
    if (headers_has(&h->h, HEADER_CONTENT_LENGTH))
        return refuse(why, 400, "length-and-transfer-encoding");
    if (h->minor == 0)
        return refuse(why, 400, "transfer-encoding-in-1.0");
    /* Coding names are caseless, but no client writes it otherwise; many peers read only this. */
    bool is_chunked =
        h->is_response ? str_eq_nocase(coding, STR("chunked")) : str_eq(coding, STR("chunked"));
    if (!is_chunked)
        return header_is_token(coding) ? refuse(why, 501, "transfer-coding")
                                       : refuse(why, 400, "transfer-coding");
    h->is_chunked = true;
    return OK;
}

static enum err read_framing(struct http_head *h, struct http_refusal *why)
{
    if (has_disguise(&h->h))
        return refuse(why, 400, "disguised-framing");
    if (headers_has(&h->h, HEADER_TRANSFER_ENCODING))
        return read_coding(h, why);
    if (!headers_has(&h->h, HEADER_CONTENT_LENGTH))
        return OK;
    if (is_twice(h, HEADER_CONTENT_LENGTH))
        return refuse(why, 400, "content-length-twice");
    if (str_to_u64(headers_value(&h->h, HEADER_CONTENT_LENGTH), INT64_MAX, &h->length) != OK)
        return refuse(why, 400, "content-length");
    h->has_length = true;
    return OK;
}

/* --- target and Host ------------------------------------------------------------------------- */

/* Authority of an absolute target, as sent. */
static struct str authority_of(struct str target)
{
    size_t from = target.p[4] == ':' ? 7 : 8; /* behind http:// or https:// */
    size_t end = from;
    while (end < target.n && target.p[end] != '/' && target.p[end] != '?')
        end++;
    return str_sub(target, from, end);
}

/* ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), RFC 3986 3.1 */
static bool is_scheme(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower(s.p[i]);
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == '_';
        if (!is_letter && (i == 0 || !is_other))
            return false;
    }
    return s.n > 0;
}

static enum err read_absolute(struct http_head *h, struct http_refusal *why)
{
    if (url_parse(h->target, &h->url) == OK) {
        struct str authority = authority_of(h->target);
        h->is_path_empty = authority.p + authority.n == h->target.p + h->target.n;
        return OK;
    }
    size_t mark = str_find_str(h->target, STR("://"));
    bool is_http =
        str_starts_nocase(h->target, STR("http:")) || str_starts_nocase(h->target, STR("https:"));
    if (mark == STR_NPOS || is_http || !is_scheme(str_sub(h->target, 0, mark)))
        return refuse(why, 400, "target");
    return refuse(why, 501, "scheme");
}

static enum err read_target(struct http_head *h, struct http_refusal *why)
{
    h->url.scheme = URL_HTTP;
    h->url.host.n = 0;
    h->url.port = 0;
    switch (h->form) {
    case HTTP_FORM_ABSOLUTE: return read_absolute(h, why);
    case HTTP_FORM_AUTHORITY:
        h->url.scheme = URL_HTTPS;
        h->url.path_query = str_make(h->target.p + h->target.n, 0);
        if (url_parse_authority(h->target, &h->url.host, &h->url.port) != OK)
            return refuse(why, 400, "connect-target");
        h->url.is_port_default = h->url.port == 443;
        return OK;
    case HTTP_FORM_ORIGIN:
    case HTTP_FORM_ASTERISK: h->url.path_query = h->target; return OK;
    }
    return refuse(why, 400, "target");
}

static uint16_t default_port(enum url_scheme s)
{
    return s == URL_HTTPS ? 443 : 80;
}

static enum err check_host(struct http_head *h, struct http_refusal *why)
{
    struct str field = headers_value(&h->h, HEADER_HOST);
    if (is_twice(h, HEADER_HOST))
        return refuse(why, 400, "host-twice");
    if (!headers_has(&h->h, HEADER_HOST))
        return h->minor == 1 ? refuse(why, 400, "host-missing") : OK;
    /* The usual case, byte for byte the same, needs no second look. */
    if (h->form == HTTP_FORM_ABSOLUTE && str_eq(field, authority_of(h->target)))
        return OK;
    if (h->form == HTTP_FORM_AUTHORITY && str_eq(field, h->target))
        return OK;
    struct host host;
    uint16_t port;
    if (url_parse_host_field(field, &host, &port) != OK)
        return refuse(why, 400, "host");
    if (h->form == HTTP_FORM_ABSOLUTE || h->form == HTTP_FORM_AUTHORITY) {
        /* CONNECT clients often leave the port out of Host. */
        if (port == 0)
            port = h->form == HTTP_FORM_AUTHORITY ? h->url.port : default_port(h->url.scheme);
        if (port != h->url.port || !str_eq(host_str(&host), host_str(&h->url.host)))
            return refuse(why, 400, "host-against-target");
        return OK;
    }
    h->url.host = host;
    h->url.port = port ? port : 80;
    h->url.is_port_default = h->url.port == 80;
    return OK;
}

/* --- single fields --------------------------------------------------------------------------- */

static enum err read_expect(struct http_head *h, struct http_refusal *why)
{
    if (!headers_has(&h->h, HEADER_EXPECT))
        return OK;
    if (is_twice(h, HEADER_EXPECT) ||
        !str_eq_nocase(headers_value(&h->h, HEADER_EXPECT), STR("100-continue")))
        return refuse(why, 417, "expect");
    h->expects_continue = h->minor == 1;
    return OK;
}

static enum err read_max_forwards(struct http_head *h, struct http_refusal *why)
{
    if (!headers_has(&h->h, HEADER_MAX_FORWARDS) ||
        (h->method != HTTP_TRACE && h->method != HTTP_OPTIONS))
        return OK;
    uint64_t n;
    if (is_twice(h, HEADER_MAX_FORWARDS) ||
        str_to_u64(headers_value(&h->h, HEADER_MAX_FORWARDS), UINT32_MAX, &n) != OK)
        return refuse(why, 400, "max-forwards");
    h->has_max_forwards = true;
    h->max_forwards = (uint32_t)n;
    return OK;
}

static enum err check_method(const struct http_head *h, struct http_refusal *why)
{
    bool has_body = h->is_chunked || (h->has_length && h->length > 0);
    if (has_body && h->method == HTTP_CONNECT)
        return refuse(why, 400, "connect-with-body");
    if (has_body && h->method == HTTP_TRACE)
        return refuse(why, 400, "trace-with-body");
    if (is_twice(h, HEADER_PROXY_AUTHORIZATION))
        return refuse(why, 400, "proxy-authorization-twice");
    return OK;
}

enum err head_check_request(struct http_head *h, struct http_refusal *why)
{
    enum err e = read_framing(h, why);
    if (e == OK)
        e = read_target(h, why);
    if (e == OK)
        e = check_host(h, why);
    if (e == OK)
        e = read_connection(h, why);
    if (e == OK)
        e = read_expect(h, why);
    if (e == OK)
        e = read_max_forwards(h, why);
    return e == OK ? check_method(h, why) : e;
}

enum err head_check_response(struct http_head *h, struct http_refusal *why)
{
    enum err e = read_framing(h, why);
    return e == OK ? read_connection(h, why) : e;
}
