/* headers: the fields of one head as a compact table over the caller's bytes, recognised by name
 * while they are parsed, so that nobody above ever searches by name. Borrows: `base` and all views
 * point into the buffer the head was parsed from. Limit: HEADERS_MAX fields. Threads: values only.
 * See: RFC 9110 5 (fields), 5.6 (lists, tokens, quoted strings). */
#ifndef PROXYD_WIRE_HEADERS_H
#define PROXYD_WIRE_HEADERS_H

#include "base/str.h"

#define HEADERS_MAX 256

enum header_id { /* at most 64, so that a set of them is one word */
                 HEADER_OTHER,
                 HEADER_ACCEPT,
                 HEADER_ACCEPT_ENCODING,
                 HEADER_ACCEPT_LANGUAGE,
                 HEADER_AGE,
                 HEADER_ALT_SVC,
                 HEADER_AUTHORIZATION,
                 HEADER_CACHE_CONTROL,
                 HEADER_CONNECTION,
                 HEADER_CONTENT_DISPOSITION,
                 HEADER_CONTENT_ENCODING,
                 HEADER_CONTENT_LENGTH,
                 HEADER_CONTENT_RANGE,
                 HEADER_CONTENT_TYPE,
                 HEADER_COOKIE,
                 HEADER_DATE,
                 HEADER_ETAG,
                 HEADER_EXPECT,
                 HEADER_EXPIRES,
                 HEADER_FORWARDED,
                 HEADER_FROM,
                 HEADER_HOST,
                 HEADER_HTTP2_SETTINGS,
                 HEADER_IF_MATCH,
                 HEADER_IF_MODIFIED_SINCE,
                 HEADER_IF_NONE_MATCH,
                 HEADER_IF_RANGE,
                 HEADER_IF_UNMODIFIED_SINCE,
                 HEADER_KEEP_ALIVE,
                 HEADER_LAST_MODIFIED,
                 HEADER_LOCATION,
                 HEADER_MAX_FORWARDS,
                 HEADER_ORIGIN,
                 HEADER_PRAGMA,
                 HEADER_PROXY_AUTHENTICATE,
                 HEADER_PROXY_AUTHENTICATION_INFO,
                 HEADER_PROXY_AUTHORIZATION,
                 HEADER_PROXY_CONNECTION,
                 HEADER_PROXY_STATUS,
                 HEADER_RANGE,
                 HEADER_REFERER,
                 HEADER_RETRY_AFTER,
                 HEADER_SEC_WEBSOCKET_KEY,
                 HEADER_SERVER,
                 HEADER_SET_COOKIE,
                 HEADER_TE,
                 HEADER_TRAILER,
                 HEADER_TRANSFER_ENCODING,
                 HEADER_UPGRADE,
                 HEADER_USER_AGENT,
                 HEADER_VARY,
                 HEADER_VIA,
                 HEADER_WARNING,
                 HEADER_WWW_AUTHENTICATE,
                 HEADER_X_FORWARDED_FOR,
                 HEADER_X_FORWARDED_HOST,
                 HEADER_X_FORWARDED_PROTO,
                 HEADER_X_REAL_IP,
                 HEADER_N_IDS,
};
#define HEADER_BIT(id) (UINT64_C(1) << (id))

struct header { /* offsets from the set's base; the line runs on to the next field's name_at */
    uint32_t name_at;
    uint32_t value_at;  /* first byte of the value, spaces and tabs skipped */
    uint32_t value_end; /* behind the last byte of the value, spaces and tabs taken off */
    uint16_t name_n;
    uint8_t id; /* enum header_id */
    uint8_t flags;
};

struct headers {
    const char *base;
    uint64_t seen;   /* HEADER_BIT of every id that occurs */
    uint64_t twice;  /* HEADER_BIT of every id that occurs more than once */
    uint32_t end_at; /* behind the line end of the last field */
    uint16_t n;
    uint8_t first[64]; /* index of the first field of an id, only where `seen` has it */
    struct header f[HEADERS_MAX];
};

/* The id of a name that is a valid token; any case. HEADER_OTHER when not in the list above. */
enum header_id header_id_of(struct str name);
struct str header_id_name(enum header_id id); /* as usually written; empty for HEADER_OTHER */

static inline bool headers_has(const struct headers *h, enum header_id id)
{
    return (h->seen >> id & 1) != 0;
}
static inline struct str headers_name_at(const struct headers *h, size_t i)
{
    return (struct str){h->base + h->f[i].name_at, h->f[i].name_n};
}
static inline struct str headers_value_at(const struct headers *h, size_t i)
{
    return (struct str){h->base + h->f[i].value_at, h->f[i].value_end - h->f[i].value_at};
}

/* Value of the first field of this id; empty view (p NULL) when there is none. */
struct str headers_value(const struct headers *h, enum header_id id);
/* All fields of an id: start with *at = 0; false at the end. */
bool headers_next(const struct headers *h, enum header_id id, size_t *at, struct str *value);
/* First field of any name, caseless; for names without an id. */
bool headers_find(const struct headers *h, struct str name, struct str *value);

/* Next element of a comma-separated list, spaces trimmed, empty elements skipped, commas in quoted
 * strings kept. *rest moves on. false at the end. */
bool headers_list_next(struct str *rest, struct str *element);
/* Does any element of any field of this id equal the token, caseless? */
bool headers_list_has(const struct headers *h, enum header_id id, struct str token);

extern const uint8_t header_tchar[256]; /* 1 where a byte may stand in a token */
bool header_is_token(struct str s);     /* 1*tchar, RFC 9110 5.6.2 */
/* The same name to CGI and its heirs: caseless, and '_' is '-'. */
bool header_is_like(struct str a, struct str b);

#endif
