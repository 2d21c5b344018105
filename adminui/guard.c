/* guard: one small check a function, the first that fails answers. */
#include "adminui/guard.h"

#include <string.h>

static struct guard_verdict refuse(unsigned status, const char *slug, const char *detail)
{
    return (struct guard_verdict){.status = status, .slug = slug, .detail = detail};
}

static struct guard_verdict malformed(const char *detail)
{
    return refuse(400, "bad-request", detail);
}

static size_t count(const struct guard_input *in, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n_fields; i++)
        n += str_eq_nocase(in->fields[i].name, str_of(name));
    return n;
}

struct str guard_field(const struct guard_input *in, const char *name)
{
    for (size_t i = 0; i < in->n_fields; i++)
        if (str_eq_nocase(in->fields[i].name, str_of(name)))
            return in->fields[i].value;
    return (struct str){0};
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct guard_verdict check_request_line(const struct guard_input *in)
{
    static const char *const methods[] = {"GET",    "HEAD",  "POST",   "PUT",
                                          "DELETE", "PATCH", "OPTIONS"};
    bool is_known = false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        is_known |= str_eq(in->method, str_of(methods[i]));
    if (!is_known)
        return malformed("This method is not spoken here.");
    if (!str_eq(in->version, STR("HTTP/1.1")) && !str_eq(in->version, STR("HTTP/1.0")))
        return malformed("Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    if (!in->uri.n || in->uri.p[0] != '/')
        return malformed("The request target must be a path.");
    return (struct guard_verdict){0};
}

static struct guard_verdict check_fields(const struct guard_input *in)
{
    static const char *const unique[] = {"Authorization", "Content-Type", "Cookie",
                                         "If-Match",      "Origin",       "X-CSRF-Token",
                                         "Last-Event-ID", "Expect",       "Content-Encoding"};
    for (size_t i = 0; i < in->n_fields; i++) {
        struct str name = in->fields[i].name, value = in->fields[i].value;
        if (!name.n)
            return malformed("A field has no name.");
        for (size_t k = 0; k < name.n; k++)
            if (!is_token_char(name.p[k]))
                return malformed("A field name holds a byte that may not stand there.");
        for (size_t k = 0; k < value.n; k++)
            if (((unsigned char)value.p[k] < 0x20 && value.p[k] != '\t') || value.p[k] == 0x7f)
                return malformed("A field value holds a control byte.");
    }
    for (size_t i = 0; i < sizeof unique / sizeof *unique; i++)
        if (count(in, unique[i]) > 1)
            return malformed("A field that may stand once stands more than once.");
    return (struct guard_verdict){0};
}

static struct guard_verdict check_framing(const struct guard_input *in, uint64_t *body_bytes)
{
    size_t n = count(in, "Content-Length");
    if (n > 1)
        return malformed("More than one Content-Length.");
    if (count(in, "Transfer-Encoding"))
        return malformed("Bodies are taken with Content-Length only, not with Transfer-Encoding.");
    if (count(in, "Content-Encoding"))
        return refuse(415, "unsupported-media-type", "Bodies are taken without Content-Encoding.");
    *body_bytes = 0;
    if (n && str_to_u64(guard_field(in, "Content-Length"), INT64_MAX, body_bytes) != OK)
        return malformed("Content-Length is not a number.");
    if (*body_bytes && (str_eq(in->method, STR("GET")) || str_eq(in->method, STR("HEAD"))))
        return malformed("This method takes no body.");
    return (struct guard_verdict){0};
}

static struct guard_verdict check_host(const struct guard_input *in)
{
    if (count(in, "Host") != 1)
        return malformed("Exactly one Host is needed.");
    if (!in->n_hosts)
        return (struct guard_verdict){0};
    struct str host = guard_field(in, "Host");
    for (size_t i = 0; i < in->n_hosts; i++)
        if (str_eq_nocase(host, in->hosts[i]))
            return (struct guard_verdict){0};
    return refuse(421, "misdirected-request",
                  "The dashboard is not known under this name; add it as [admin] name.");
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes one byte at s.p[*at] and moves on; -1 for a bad triplet. */
static int next_byte(struct str s, size_t *at)
{
    if (s.p[*at] != '%')
        return (unsigned char)s.p[(*at)++];
    if (s.n - *at < 3)
        return -1;
    int high = hex_value(s.p[*at + 1]), low = hex_value(s.p[*at + 2]);
    *at += 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static struct guard_verdict check_segment(struct str segment)
{
    size_t n = 0, dots = 0;
    for (size_t at = 0; at < segment.n; n++) {
        int c = next_byte(segment, &at);
        if (c < 0x20 || c == 0x7f)
            return malformed("The path holds a bad triplet or a control byte.");
        if (c == '/' || c == '\\')
            return malformed("The path holds an encoded slash or a backslash.");
        dots += c == '.';
    }
    if (n && dots == n && n <= 2)
        return malformed("The path holds a dot segment.");
    return (struct guard_verdict){0};
}

static struct guard_verdict check_target(const struct guard_input *in)
{
    struct str path, query = in->uri, segment;
    str_split(&query, '?', &path);
    for (size_t i = 0; i < in->uri.n; i++) {
        unsigned char c = (unsigned char)in->uri.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '#')
            return malformed("The request target holds a byte that must be encoded.");
    }
    path = str_sub(path, 1, path.n);
    while (str_split(&path, '/', &segment)) {
        struct guard_verdict v = check_segment(segment);
        if (v.status)
            return v;
        if (!segment.n)
            return malformed("The path holds an empty segment.");
    }
    for (size_t at = 0; at < query.n;)
        if (next_byte(query, &at) <= 0)
            return malformed("The query holds a bad triplet or a zero byte.");
    return (struct guard_verdict){0};
}

void guard_check(const struct guard_input *in, struct guard_verdict *out)
{
    uint64_t body_bytes = 0;
    *out = check_request_line(in);
    if (!out->status)
        *out = check_fields(in);
    if (!out->status)
        *out = check_framing(in, &body_bytes);
    if (!out->status)
        *out = check_target(in);
    if (!out->status)
        *out = check_host(in);
    out->body_bytes = body_bytes;
}
