/* url: splitting and normalising. The splitting looks at each byte once and copies nothing; the
 * normal form first counts its size, so that it is one allocation of just that size. */
#include "base/url.h"

#include <string.h>

enum byte_kind { PLAIN, ENCODE, TRIPLET };

/* One bit a byte: may stand in a URL as it is (visible ASCII but for "<>\\^`{|} and %). */
static const uint64_t plain_bytes[4] = {0xafffffda00000000, 0x47fffffeafffffff, 0, 0};
/* RFC 3986 unreserved: a triplet of one of these is the byte itself. */
static const uint64_t unreserved_bytes[4] = {0x03ff600000000000, 0x47fffffe87fffffe, 0, 0};

static bool has_bit(const uint64_t set[4], unsigned char c)
{
    return (set[c >> 6] >> (c & 63) & 1) != 0;
}

static enum byte_kind kind_of(unsigned char c)
{
    if (has_bit(plain_bytes, c))
        return PLAIN;
    return c == '%' ? TRIPLET : ENCODE;
}

static enum err parse_port(struct str digits, uint16_t *out)
{
    uint64_t port;
    if (digits.n > 5 || str_to_u64(digits, UINT16_MAX, &port) != OK || port == 0 ||
        digits.p[0] == '0')
        return ERR_INVALID;
    *out = (uint16_t)port;
    return OK;
}

/* "host" or "host:port" with brackets around IPv6; *digits has p NULL when there is no colon. */
static enum err split_authority(struct str raw, struct str *host, struct str *digits)
{
    size_t from = 0;
    if (raw.n && raw.p[0] == '[') {
        from = str_find(raw, ']');
        if (from == STR_NPOS || (from + 1 < raw.n && raw.p[from + 1] != ':'))
            return ERR_INVALID;
    }
    size_t colon = str_find(str_sub(raw, from, raw.n), ':');
    if (colon == STR_NPOS) {
        *host = raw;
        *digits = (struct str){NULL, 0};
        return OK;
    }
    *host = str_sub(raw, 0, from + colon);
    *digits = str_sub(raw, from + colon + 1, raw.n);
    return OK;
}

/* "host[:port]"; "host:" counts as no port (RFC 3986 6.2.3). *port is 0 when absent. */
static enum err parse_host_port(struct str raw, struct host *host, uint16_t *port)
{
    struct str name, digits;
    uint16_t n = 0;
    enum err e = split_authority(raw, &name, &digits);
    if (e == OK && digits.n)
        e = parse_port(digits, &n);
    if (e == OK)
        e = host_normalise(name, host);
    if (e == OK)
        *port = n;
    return e;
}

enum err url_parse_host_field(struct str raw, struct host *host, uint16_t *port)
{
    return parse_host_port(raw, host, port);
}

enum err url_parse_authority(struct str raw, struct host *host, uint16_t *port)
{
    uint16_t n;
    struct host h;
    enum err e = parse_host_port(raw, &h, &n);
    if (e != OK)
        return e;
    if (n == 0)
        return ERR_INVALID;
    *host = h;
    *port = n;
    return OK;
}

static enum err parse_scheme(struct str *rest, enum url_scheme *out)
{
    if (str_starts_nocase(*rest, STR("http://"))) {
        *out = URL_HTTP;
        *rest = str_sub(*rest, 7, rest->n);
        return OK;
    }
    if (str_starts_nocase(*rest, STR("https://"))) {
        *out = URL_HTTPS;
        *rest = str_sub(*rest, 8, rest->n);
        return OK;
    }
    return ERR_INVALID;
}

static uint16_t default_port(enum url_scheme scheme)
{
    return scheme == URL_HTTPS ? 443 : 80;
}

static size_t authority_end(struct str s)
{
    size_t i = 0;
    while (i < s.n && s.p[i] != '/' && s.p[i] != '?' && s.p[i] != '#')
        i++;
    return i;
}

enum err url_parse(struct str raw, struct url *out)
{
    enum url_scheme scheme;
    struct str rest = raw;
    if (parse_scheme(&rest, &scheme) != OK)
        return ERR_INVALID;
    for (size_t i = 0; i < rest.n; i++)
        if ((unsigned char)rest.p[i] <= ' ' || rest.p[i] == 0x7f)
            return ERR_INVALID;
    size_t end = authority_end(rest);
    uint16_t port;
    enum err e = parse_host_port(str_sub(rest, 0, end), &out->host, &port);
    if (e != OK)
        return e;
    struct str tail = str_sub(rest, end, rest.n);
    size_t fragment = str_find(tail, '#');
    if (fragment != STR_NPOS)
        tail = str_sub(tail, 0, fragment);
    out->scheme = scheme;
    out->is_port_default = port == 0 || port == default_port(scheme);
    out->port = port ? port : default_port(scheme);
    out->path_query = tail.n ? tail : STR("/");
    return OK;
}

/* --- the normal form ------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte a triplet at s.p[i] stands for, or -1 when it is none. */
static int triplet_at(struct str s, size_t i)
{
    if (s.n - i < 3)
        return -1;
    int high = hex_digit(s.p[i + 1]), low = hex_digit(s.p[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static void add_triplet(char **out, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    *(*out)++ = '%';
    *(*out)++ = hex[c >> 4];
    *(*out)++ = hex[c & 15];
}

static size_t encoded_bound(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += kind_of((unsigned char)s.p[i]) == PLAIN ? 1 : 3;
    return n;
}

/* A '%' that begins no triplet becomes %25: then the result holds whole triplets only. */
static char *encode(struct str s, char *out)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        enum byte_kind kind = kind_of(c);
        if (kind == PLAIN) {
            *out++ = (char)c;
            continue;
        }
        int inner = kind == TRIPLET ? triplet_at(s, i) : -1;
        if (inner >= 0) {
            c = (unsigned char)inner;
            i += 2;
        }
        if (inner >= 0 && has_bit(unreserved_bytes, c))
            *out++ = (char)c;
        else
            add_triplet(&out, c);
    }
    return out;
}

/* RFC 3986 5.2.4 in place on an absolute path; returns the new length. Reads behind what it writes.
 */
static size_t remove_dots(char *path, size_t n)
{
    size_t out = 0, i = 0;
    while (i < n) { /* path[i] is '/' */
        size_t end = i + 1;
        while (end < n && path[end] != '/')
            end++;
        struct str segment = str_make(path + i + 1, end - i - 1);
        bool is_last = end == n;
        if (str_eq(segment, STR("."))) {
            if (is_last)
                path[out++] = '/';
        } else if (str_eq(segment, STR(".."))) {
            while (out > 0 && path[--out] != '/')
                ;
            if (is_last)
                path[out++] = '/';
        } else {
            memmove(path + out, path + i, end - i);
            out += end - i;
        }
        i = end;
    }
    return out;
}

static size_t add_origin(char *to, enum url_scheme scheme, const struct host *h, uint16_t port)
{
    struct buf b = {.p = to, .cap = HOST_MAX + 32, .ceiling_bytes = HOST_MAX + 32};
    bool has_brackets = h->is_ip && !ip_is_v4(&h->ip);
    buf_add(&b, scheme == URL_HTTPS ? STR("https://") : STR("http://"));
    if (has_brackets)
        buf_add_c(&b, '[');
    buf_add(&b, host_str(h));
    if (has_brackets)
        buf_add_c(&b, ']');
    if (port != default_port(scheme)) {
        buf_add_c(&b, ':');
        buf_add_u64(&b, port);
    }
    return b.n;
}

/* Most paths are in normal form already: nothing to encode, no segment that begins with a dot. */
static bool is_normal(struct str path)
{
    for (size_t i = 0; i < path.n; i++)
        if (!has_bit(plain_bytes, (unsigned char)path.p[i]) ||
            (path.p[i] == '.' && i > 0 && path.p[i - 1] == '/'))
            return false;
    return path.n > 0 && path.p[0] == '/';
}

static enum err copy_normal(const struct url *u, struct arena *a, struct str *out)
{
    char *text = arena_alloc(a, HOST_MAX + 32 + u->path_query.n);
    if (!text)
        return ERR_NOMEM;
    size_t n = add_origin(text, u->scheme, &u->host, u->port);
    memcpy(text + n, u->path_query.p, u->path_query.n);
    *out = str_make(text, n + u->path_query.n);
    return OK;
}

enum err url_normal(const struct url *u, struct arena *a, struct str *out)
{
    struct str path = u->path_query, query = {NULL, 0};
    if (is_normal(path))
        return copy_normal(u, a, out);
    size_t mark = str_find(path, '?');
    if (mark != STR_NPOS) {
        query = str_sub(path, mark, path.n);
        path = str_sub(path, 0, mark);
    }
    size_t bound = HOST_MAX + 32 + 1 + encoded_bound(path) + encoded_bound(query);
    char *text = arena_alloc(a, bound);
    if (!text)
        return ERR_NOMEM;
    char *at = text + add_origin(text, u->scheme, &u->host, u->port);
    char *path_at = at;
    if (path.n == 0 || path.p[0] != '/')
        *at++ = '/';
    at = encode(path, at);
    at = path_at + remove_dots(path_at, (size_t)(at - path_at));
    at = encode(query, at);
    *out = str_make(text, (size_t)(at - text));
    return OK;
}

enum err url_normal_authority(const struct host *h, uint16_t port, struct arena *a, struct str *out)
{
    char *text = arena_alloc(a, HOST_MAX + 33);
    if (!text)
        return ERR_NOMEM;
    size_t n = add_origin(text, URL_HTTPS, h, port);
    text[n++] = '/';
    *out = str_make(text, n);
    return OK;
}
