/* headers: names to ids by a perfect hash over length, first and last letter (two names that fell
 * on one slot would not compile: -Woverride-init), and the walks over lists. */
#include "proxyd/wire/headers.h"

#include <string.h>

#define SLOT(n, first, last) (((n) + 16 * (first) + 9 * (last)) & 255)

/* clang-format off */
const uint8_t header_tchar[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

static const uint8_t slots[256] = {
    [SLOT(6, 'a', 't')] = HEADER_ACCEPT,
    [SLOT(15, 'a', 'g')] = HEADER_ACCEPT_ENCODING,
    [SLOT(15, 'a', 'e')] = HEADER_ACCEPT_LANGUAGE,
    [SLOT(3, 'a', 'e')] = HEADER_AGE,
    [SLOT(7, 'a', 'c')] = HEADER_ALT_SVC,
    [SLOT(13, 'a', 'n')] = HEADER_AUTHORIZATION,
    [SLOT(13, 'c', 'l')] = HEADER_CACHE_CONTROL,
    [SLOT(10, 'c', 'n')] = HEADER_CONNECTION,
    [SLOT(19, 'c', 'n')] = HEADER_CONTENT_DISPOSITION,
    [SLOT(16, 'c', 'g')] = HEADER_CONTENT_ENCODING,
    [SLOT(14, 'c', 'h')] = HEADER_CONTENT_LENGTH,
    [SLOT(13, 'c', 'e')] = HEADER_CONTENT_RANGE,
    [SLOT(12, 'c', 'e')] = HEADER_CONTENT_TYPE,
    [SLOT(6, 'c', 'e')] = HEADER_COOKIE,
    [SLOT(4, 'd', 'e')] = HEADER_DATE,
    [SLOT(4, 'e', 'g')] = HEADER_ETAG,
    [SLOT(6, 'e', 't')] = HEADER_EXPECT,
    [SLOT(7, 'e', 's')] = HEADER_EXPIRES,
    [SLOT(9, 'f', 'd')] = HEADER_FORWARDED,
    [SLOT(4, 'f', 'm')] = HEADER_FROM,
    [SLOT(4, 'h', 't')] = HEADER_HOST,
    [SLOT(14, 'h', 's')] = HEADER_HTTP2_SETTINGS,
    [SLOT(8, 'i', 'h')] = HEADER_IF_MATCH,
    [SLOT(17, 'i', 'e')] = HEADER_IF_MODIFIED_SINCE,
    [SLOT(13, 'i', 'h')] = HEADER_IF_NONE_MATCH,
    [SLOT(8, 'i', 'e')] = HEADER_IF_RANGE,
    [SLOT(19, 'i', 'e')] = HEADER_IF_UNMODIFIED_SINCE,
    [SLOT(10, 'k', 'e')] = HEADER_KEEP_ALIVE,
    [SLOT(13, 'l', 'd')] = HEADER_LAST_MODIFIED,
    [SLOT(8, 'l', 'n')] = HEADER_LOCATION,
    [SLOT(12, 'm', 's')] = HEADER_MAX_FORWARDS,
    [SLOT(6, 'o', 'n')] = HEADER_ORIGIN,
    [SLOT(6, 'p', 'a')] = HEADER_PRAGMA,
    [SLOT(18, 'p', 'e')] = HEADER_PROXY_AUTHENTICATE,
    [SLOT(25, 'p', 'o')] = HEADER_PROXY_AUTHENTICATION_INFO,
    [SLOT(19, 'p', 'n')] = HEADER_PROXY_AUTHORIZATION,
    [SLOT(16, 'p', 'n')] = HEADER_PROXY_CONNECTION,
    [SLOT(12, 'p', 's')] = HEADER_PROXY_STATUS,
    [SLOT(5, 'r', 'e')] = HEADER_RANGE,
    [SLOT(7, 'r', 'r')] = HEADER_REFERER,
    [SLOT(11, 'r', 'r')] = HEADER_RETRY_AFTER,
    [SLOT(17, 's', 'y')] = HEADER_SEC_WEBSOCKET_KEY,
    [SLOT(6, 's', 'r')] = HEADER_SERVER,
    [SLOT(10, 's', 'e')] = HEADER_SET_COOKIE,
    [SLOT(2, 't', 'e')] = HEADER_TE,
    [SLOT(7, 't', 'r')] = HEADER_TRAILER,
    [SLOT(17, 't', 'g')] = HEADER_TRANSFER_ENCODING,
    [SLOT(7, 'u', 'e')] = HEADER_UPGRADE,
    [SLOT(10, 'u', 't')] = HEADER_USER_AGENT,
    [SLOT(4, 'v', 'y')] = HEADER_VARY,
    [SLOT(3, 'v', 'a')] = HEADER_VIA,
    [SLOT(7, 'w', 'g')] = HEADER_WARNING,
    [SLOT(16, 'w', 'e')] = HEADER_WWW_AUTHENTICATE,
    [SLOT(15, 'x', 'r')] = HEADER_X_FORWARDED_FOR,
    [SLOT(16, 'x', 't')] = HEADER_X_FORWARDED_HOST,
    [SLOT(17, 'x', 'o')] = HEADER_X_FORWARDED_PROTO,
    [SLOT(9, 'x', 'p')] = HEADER_X_REAL_IP,
};

#define NAME(text) {text, sizeof(text) - 1}
static const struct { char text[28]; uint8_t n; } names[HEADER_N_IDS] = {
    [HEADER_ACCEPT] = NAME("Accept"),
    [HEADER_ACCEPT_ENCODING] = NAME("Accept-Encoding"),
    [HEADER_ACCEPT_LANGUAGE] = NAME("Accept-Language"),
    [HEADER_AGE] = NAME("Age"),
    [HEADER_ALT_SVC] = NAME("Alt-Svc"),
    [HEADER_AUTHORIZATION] = NAME("Authorization"),
    [HEADER_CACHE_CONTROL] = NAME("Cache-Control"),
    [HEADER_CONNECTION] = NAME("Connection"),
    [HEADER_CONTENT_DISPOSITION] = NAME("Content-Disposition"),
    [HEADER_CONTENT_ENCODING] = NAME("Content-Encoding"),
    [HEADER_CONTENT_LENGTH] = NAME("Content-Length"),
    [HEADER_CONTENT_RANGE] = NAME("Content-Range"),
    [HEADER_CONTENT_TYPE] = NAME("Content-Type"),
    [HEADER_COOKIE] = NAME("Cookie"),
    [HEADER_DATE] = NAME("Date"),
    [HEADER_ETAG] = NAME("ETag"),
    [HEADER_EXPECT] = NAME("Expect"),
    [HEADER_EXPIRES] = NAME("Expires"),
    [HEADER_FORWARDED] = NAME("Forwarded"),
    [HEADER_FROM] = NAME("From"),
    [HEADER_HOST] = NAME("Host"),
    [HEADER_HTTP2_SETTINGS] = NAME("HTTP2-Settings"),
    [HEADER_IF_MATCH] = NAME("If-Match"),
    [HEADER_IF_MODIFIED_SINCE] = NAME("If-Modified-Since"),
    [HEADER_IF_NONE_MATCH] = NAME("If-None-Match"),
    [HEADER_IF_RANGE] = NAME("If-Range"),
    [HEADER_IF_UNMODIFIED_SINCE] = NAME("If-Unmodified-Since"),
    [HEADER_KEEP_ALIVE] = NAME("Keep-Alive"),
    [HEADER_LAST_MODIFIED] = NAME("Last-Modified"),
    [HEADER_LOCATION] = NAME("Location"),
    [HEADER_MAX_FORWARDS] = NAME("Max-Forwards"),
    [HEADER_ORIGIN] = NAME("Origin"),
    [HEADER_PRAGMA] = NAME("Pragma"),
    [HEADER_PROXY_AUTHENTICATE] = NAME("Proxy-Authenticate"),
    [HEADER_PROXY_AUTHENTICATION_INFO] = NAME("Proxy-Authentication-Info"),
    [HEADER_PROXY_AUTHORIZATION] = NAME("Proxy-Authorization"),
    [HEADER_PROXY_CONNECTION] = NAME("Proxy-Connection"),
    [HEADER_PROXY_STATUS] = NAME("Proxy-Status"),
    [HEADER_RANGE] = NAME("Range"),
    [HEADER_REFERER] = NAME("Referer"),
    [HEADER_RETRY_AFTER] = NAME("Retry-After"),
    [HEADER_SEC_WEBSOCKET_KEY] = NAME("Sec-WebSocket-Key"),
    [HEADER_SERVER] = NAME("Server"),
    [HEADER_SET_COOKIE] = NAME("Set-Cookie"),
    [HEADER_TE] = NAME("TE"),
    [HEADER_TRAILER] = NAME("Trailer"),
    [HEADER_TRANSFER_ENCODING] = NAME("Transfer-Encoding"),
    [HEADER_UPGRADE] = NAME("Upgrade"),
    [HEADER_USER_AGENT] = NAME("User-Agent"),
    [HEADER_VARY] = NAME("Vary"),
    [HEADER_VIA] = NAME("Via"),
    [HEADER_WARNING] = NAME("Warning"),
    [HEADER_WWW_AUTHENTICATE] = NAME("WWW-Authenticate"),
    [HEADER_X_FORWARDED_FOR] = NAME("X-Forwarded-For"),
    [HEADER_X_FORWARDED_HOST] = NAME("X-Forwarded-Host"),
    [HEADER_X_FORWARDED_PROTO] = NAME("X-Forwarded-Proto"),
    [HEADER_X_REAL_IP] = NAME("X-Real-IP"),
};
/* clang-format on */

enum header_id header_id_of(struct str name)
{
    if (name.n < 2)
        return HEADER_OTHER;
    size_t first = (unsigned char)name.p[0] | 0x20u;
    size_t last = (unsigned char)name.p[name.n - 1] | 0x20u;
    enum header_id id = slots[SLOT(name.n, first, last)];
    if (names[id].n != name.n)
        return HEADER_OTHER;
    /* Setting bit 5 lowers letters; of the bytes a token may hold it maps no other onto one that
     * stands in these names. */
    unsigned differ = 0;
    for (size_t i = 0; i < name.n; i++)
        differ |= ((unsigned char)name.p[i] ^ (unsigned char)names[id].text[i]) & ~0x20u;
    return differ == 0 ? id : HEADER_OTHER;
}

struct str header_id_name(enum header_id id)
{
    return str_make(names[id].text, names[id].n);
}

bool header_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!header_tchar[(unsigned char)s.p[i]])
            return false;
    return s.n > 0;
}

static char folded(char c)
{
    return c == '_' ? '-' : str_lower(c);
}

bool header_is_like(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (folded(a.p[i]) != folded(b.p[i]))
            return false;
    return true;
}

struct str headers_value(const struct headers *h, enum header_id id)
{
    if (!headers_has(h, id))
        return str_make(NULL, 0);
    return headers_value_at(h, h->first[id]);
}

bool headers_next(const struct headers *h, enum header_id id, size_t *at, struct str *value)
{
    if (!headers_has(h, id))
        return false;
    size_t i = *at ? *at : h->first[id];
    while (i < h->n && h->f[i].id != id)
        i++;
    if (i >= h->n)
        return false;
    *value = headers_value_at(h, i);
    *at = i + 1;
    return true;
}

bool headers_find(const struct headers *h, struct str name, struct str *value)
{
    for (size_t i = 0; i < h->n; i++) {
        if (!str_eq_nocase(headers_name_at(h, i), name))
            continue;
        *value = headers_value_at(h, i);
        return true;
    }
    return false;
}

/* Length up to the next comma that stands outside a quoted string. */
static size_t element_end(struct str s)
{
    bool in_quotes = false;
    for (size_t i = 0; i < s.n; i++) {
        if (in_quotes && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            in_quotes = !in_quotes;
        else if (s.p[i] == ',' && !in_quotes)
            return i;
    }
    return s.n;
}

bool headers_list_next(struct str *rest, struct str *element)
{
    while (rest->n) {
        size_t end = element_end(*rest);
        struct str found = str_trim(str_sub(*rest, 0, end));
        *rest = str_sub(*rest, end + 1, rest->n);
        if (found.n) {
            *element = found;
            return true;
        }
    }
    return false;
}

bool headers_list_has(const struct headers *h, enum header_id id, struct str token)
{
    struct str value, element;
    for (size_t at = 0; headers_next(h, id, &at, &value);)
        while (headers_list_next(&value, &element))
            if (str_eq_nocase(element, token))
                return true;
    return false;
}
