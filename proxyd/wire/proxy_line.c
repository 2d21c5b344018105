/* proxy_line: PROXY protocol. Version 1 is one line of text, version 2 binary with a length in
 * front. Both are judged only as far as bytes are there, so any cut gives the same answer. */
#include "proxyd/wire/proxy_line.h"

#include <string.h>

static const uint8_t v2_sign[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0,    0x0d,
                                    0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

enum { V2_HEAD = 16 };

/* --- version 1 ------------------------------------------------------------------------------- */

static enum err read_port(struct str s, uint16_t *out)
{
    uint64_t v = 0;
    if (s.n > 5 || (s.n > 1 && s.p[0] == '0') || str_to_u64(s, UINT16_MAX, &v) != OK)
        return ERR_INVALID;
    *out = (uint16_t)v;
    return OK;
}

/* "src dst sport dport", single spaces. */
static enum err read_addresses(struct str rest, bool is_v4, struct proxy_line *out)
{
    struct str part[4];
    for (size_t i = 0; i < 4; i++)
        if (!str_split(&rest, ' ', &part[i]))
            return ERR_INVALID;
    bool has_colon = str_find(part[0], ':') != STR_NPOS && str_find(part[1], ':') != STR_NPOS;
    bool has_none = str_find(part[0], ':') == STR_NPOS && str_find(part[1], ':') == STR_NPOS;
    if (rest.n || !(is_v4 ? has_none : has_colon) || ip_parse(part[0], &out->src.ip) != OK ||
        ip_parse(part[1], &out->dst.ip) != OK || read_port(part[2], &out->src.port) != OK ||
        read_port(part[3], &out->dst.port) != OK)
        return ERR_INVALID;
    /* A separator behind the last port would have been swallowed by the split. */
    return part[3].p[part[3].n] == '\r' ? OK : ERR_INVALID;
}

static enum err parse_v1(struct str bytes, struct proxy_line *out)
{
    struct str seen = str_sub(bytes, 0, PROXY_LINE_V1_MAX);
    size_t cr = 0;
    while (cr < seen.n && (unsigned char)seen.p[cr] >= 0x20)
        cr++;
    if (cr == PROXY_LINE_V1_MAX)
        return ERR_LIMIT;
    if (cr < seen.n && seen.p[cr] != '\r')
        return ERR_INVALID;
    if (cr + 1 >= seen.n)
        return seen.n == PROXY_LINE_V1_MAX ? ERR_LIMIT : ERR_AGAIN;
    if (bytes.p[cr + 1] != '\n')
        return ERR_INVALID;
    struct proxy_line line = {.n_bytes = cr + 2};
    struct str rest = str_sub(bytes, 6, cr);
    enum err e = OK;
    if (str_eq(rest, STR("UNKNOWN")) || str_starts(rest, STR("UNKNOWN ")))
        line.is_local = true;
    else if (str_starts(rest, STR("TCP4 ")) || str_starts(rest, STR("TCP6 ")))
        e = read_addresses(str_sub(rest, 5, rest.n), rest.p[3] == '4', &line);
    else
        e = ERR_INVALID;
    if (e == OK)
        *out = line;
    return e;
}

/* --- version 2 ------------------------------------------------------------------------------- */

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void ip_from_v4(struct ip *ip, const uint8_t *p)
{
    memset(ip->b, 0, 10);
    memset(ip->b + 10, 0xff, 2);
    memcpy(ip->b + 12, p, 4);
}

static enum err parse_v2(struct str bytes, struct proxy_line *out)
{
    uint8_t b[V2_HEAD + 36];
    if (bytes.n < V2_HEAD)
        return ERR_AGAIN;
    memcpy(b, bytes.p, V2_HEAD);
    unsigned command = b[12] & 15, family = b[13] >> 4, transport = b[13] & 15;
    size_t length = be16(b + 14);
    if (b[12] >> 4 != 2 || command > 1 || family > 3 || transport > 2)
        return ERR_INVALID;
    if (V2_HEAD + length > PROXY_LINE_MAX)
        return ERR_LIMIT;
    size_t need = family == 1 ? 12 : family == 2 ? 36 : 0;
    if (command == 1 && length < need)
        return ERR_INVALID;
    if (bytes.n < V2_HEAD + length)
        return ERR_AGAIN;
    struct proxy_line line = {.n_bytes = V2_HEAD + length};
    memcpy(b + V2_HEAD, bytes.p + V2_HEAD, length < 36 ? length : 36);
    const uint8_t *a = b + V2_HEAD;
    /* Only a TCP connection can have come here. */
    line.is_local = command == 0 || need == 0 || transport != 1;
    if (!line.is_local && family == 1) {
        ip_from_v4(&line.src.ip, a);
        ip_from_v4(&line.dst.ip, a + 4);
        line.src.port = be16(a + 8);
        line.dst.port = be16(a + 10);
    } else if (!line.is_local) {
        memcpy(line.src.ip.b, a, 16);
        memcpy(line.dst.ip.b, a + 16, 16);
        line.src.port = be16(a + 32);
        line.dst.port = be16(a + 34);
    }
    *out = line;
    return OK;
}

/* Do all bytes that are there agree with this beginning? */
static bool may_begin(struct str bytes, struct str sign)
{
    return str_eq(str_sub(bytes, 0, sign.n), str_sub(sign, 0, bytes.n));
}

enum err proxy_line_parse(struct str bytes, struct proxy_line *out)
{
    struct str v1 = STR("PROXY "), v2 = str_make(v2_sign, sizeof v2_sign);
    if (may_begin(bytes, v1))
        return bytes.n < v1.n ? ERR_AGAIN : parse_v1(bytes, out);
    if (may_begin(bytes, v2))
        return bytes.n < v2.n ? ERR_AGAIN : parse_v2(bytes, out);
    return ERR_INVALID;
}

size_t proxy_line_write(const struct ip_port *src, const struct ip_port *dst,
                        char out[PROXY_LINE_V1_MAX])
{
    struct buf b = {.p = out, .cap = PROXY_LINE_V1_MAX, .ceiling_bytes = PROXY_LINE_V1_MAX};
    if (ip_is_v4(&src->ip) != ip_is_v4(&dst->ip)) {
        buf_add(&b, STR("PROXY UNKNOWN\r\n"));
        return b.n;
    }
    buf_add(&b, ip_is_v4(&src->ip) ? STR("PROXY TCP4 ") : STR("PROXY TCP6 "));
    ip_format(&src->ip, &b);
    buf_add_c(&b, ' ');
    ip_format(&dst->ip, &b);
    buf_add_c(&b, ' ');
    buf_add_u64(&b, src->port);
    buf_add_c(&b, ' ');
    buf_add_u64(&b, dst->port);
    buf_add(&b, STR("\r\n"));
    return b.n;
}

static char *put_port(char *at, uint16_t port)
{
    *at++ = (char)(port >> 8);
    *at++ = (char)(port & 255);
    return at;
}

size_t proxy_line_write_v2(const struct ip_port *src, const struct ip_port *dst,
                           char out[PROXY_LINE_V2_MAX])
{
    bool is_v4 = ip_is_v4(&src->ip), is_same = is_v4 == ip_is_v4(&dst->ip);
    size_t from = is_v4 ? 12 : 0, n = 16 - from;
    char *at = out + sizeof v2_sign;
    memcpy(out, v2_sign, sizeof v2_sign);
    *at++ = is_same ? 0x21 : 0x20;                         /* version 2; PROXY or LOCAL */
    *at++ = (char)(!is_same ? 0x00 : is_v4 ? 0x11 : 0x21); /* TCP over IPv4 or IPv6 */
    at = put_port(at, is_same ? (uint16_t)(2 * n + 4) : 0);
    if (!is_same)
        return (size_t)(at - out);
    memcpy(at, src->ip.b + from, n);
    memcpy(at + n, dst->ip.b + from, n);
    at = put_port(at + 2 * n, src->port);
    return (size_t)(put_port(at, dst->port) - out);
}
