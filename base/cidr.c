/* cidr: addresses and networks. Text goes through inet_pton and inet_ntop, which are strict (no
 * octal, no short forms, no zones); the special ranges are one table, read from the top. */
#include "base/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct special {
    uint8_t b[16];
    uint8_t bits;
    uint8_t class;
    uint8_t wraps_at; /* where an IPv4 address sits inside, 0: none; the class is then its class */
};

/* clang-format off */
#define V4(a, b, c, d) {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}
static const struct special special_ranges[] = {
    {V4(0, 0, 0, 0), 96 + 8, IP_UNSPECIFIED, 0},
    {V4(127, 0, 0, 0), 96 + 8, IP_LOOPBACK, 0},
    {V4(169, 254, 0, 0), 96 + 16, IP_LINK_LOCAL, 0},
    {V4(100, 100, 100, 200), 128, IP_METADATA, 0},
    {V4(168, 63, 129, 16), 128, IP_METADATA, 0},
    {V4(192, 0, 0, 192), 128, IP_METADATA, 0},
    {V4(10, 0, 0, 0), 96 + 8, IP_PRIVATE, 0},
    {V4(172, 16, 0, 0), 96 + 12, IP_PRIVATE, 0},
    {V4(192, 168, 0, 0), 96 + 16, IP_PRIVATE, 0},
    {V4(100, 64, 0, 0), 96 + 10, IP_PRIVATE, 0},
    {V4(224, 0, 0, 0), 96 + 4, IP_MULTICAST, 0},
    {V4(240, 0, 0, 0), 96 + 4, IP_RESERVED, 0},
    {V4(192, 0, 0, 0), 96 + 24, IP_RESERVED, 0},
    {V4(192, 0, 2, 0), 96 + 24, IP_RESERVED, 0},
    {V4(192, 88, 99, 0), 96 + 24, IP_RESERVED, 0},
    {V4(198, 18, 0, 0), 96 + 15, IP_RESERVED, 0},
    {V4(198, 51, 100, 0), 96 + 24, IP_RESERVED, 0},
    {V4(203, 0, 113, 0), 96 + 24, IP_RESERVED, 0},
    {V4(0, 0, 0, 0), 96, IP_PUBLIC, 0},                       /* all other IPv4 */
    {{0}, 128, IP_UNSPECIFIED, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, IP_LOOPBACK, 0},
    {{0xfe, 0x80}, 10, IP_LINK_LOCAL, 0},
    {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, IP_METADATA, 0},
    {{0xfc}, 7, IP_PRIVATE, 0},
    {{0xfe, 0xc0}, 10, IP_PRIVATE, 0},
    {{0xff}, 8, IP_MULTICAST, 0},
    {{0x00, 0x64, 0xff, 0x9b}, 96, IP_PUBLIC, 12},            /* NAT64 */
    {{0x20, 0x02}, 16, IP_PUBLIC, 2},                         /* 6to4 */
    {{0x20, 0x01, 0x00, 0x00}, 32, IP_RESERVED, 0},           /* Teredo: two IPv4, one disguised */
    {{0x20, 0x01, 0x00, 0x02}, 48, IP_RESERVED, 0},           /* benchmarking */
    {{0x20, 0x01, 0x00, 0x10}, 28, IP_RESERVED, 0},           /* ORCHID */
    {{0x20, 0x01, 0x00, 0x20}, 28, IP_RESERVED, 0},           /* ORCHIDv2 */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, IP_RESERVED, 0},           /* documentation */
    {{0x3f, 0xff, 0x00}, 20, IP_RESERVED, 0},                 /* documentation */
    {{0x20}, 3, IP_PUBLIC, 0},                                /* global unicast */
    {{0}, 0, IP_RESERVED, 0},                                 /* everything else */
};
/* clang-format on */

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->b, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static const struct special *special_of(const struct ip *ip)
{
    const struct special *s = special_ranges;
    while (!same_prefix(ip->b, s->b, s->bits))
        s++;
    return s;
}

static struct ip inner_at(const struct ip *ip, unsigned at)
{
    struct ip inner;
    memcpy(inner.b, mapped_prefix, sizeof mapped_prefix);
    memcpy(inner.b + 12, ip->b + at, 4);
    return inner;
}

enum ip_class ip_classify(const struct ip *ip)
{
    const struct special *s = special_of(ip);
    if (s->wraps_at == 0)
        return (enum ip_class)s->class;
    struct ip inner = inner_at(ip, s->wraps_at);
    return ip_classify(&inner) == IP_PUBLIC ? IP_PUBLIC : IP_RESERVED;
}

bool ip_inner_v4(const struct ip *ip, struct ip *out)
{
    unsigned at = special_of(ip)->wraps_at;
    if (at)
        *out = inner_at(ip, at);
    return at != 0;
}

enum err ip_parse(struct str s, struct ip *out)
{
    char text[INET6_ADDRSTRLEN];
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n))
        return ERR_INVALID;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    struct ip ip;
    if (memchr(text, ':', s.n)) {
        if (inet_pton(AF_INET6, text, ip.b) != 1)
            return ERR_INVALID;
    } else {
        memcpy(ip.b, mapped_prefix, sizeof mapped_prefix);
        if (inet_pton(AF_INET, text, ip.b + 12) != 1)
            return ERR_INVALID;
    }
    *out = ip;
    return OK;
}

void ip_format(const struct ip *ip, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];
    const char *p = ip_is_v4(ip) ? inet_ntop(AF_INET, ip->b + 12, text, sizeof text)
                                 : inet_ntop(AF_INET6, ip->b, text, sizeof text);
    buf_add_z(out, p);
}

static bool host_bits_are_zero(const struct cidr *c)
{
    unsigned whole = c->bits / 8, rest = c->bits % 8;
    if (rest && (uint8_t)(c->ip.b[whole] << rest) != 0)
        return false;
    for (unsigned i = whole + (rest != 0); i < sizeof c->ip.b; i++)
        if (c->ip.b[i] != 0)
            return false;
    return true;
}

enum err cidr_parse(struct str s, struct cidr *out)
{
    struct cidr c;
    size_t slash = str_find(s, '/');
    enum err e = ip_parse(slash == STR_NPOS ? s : str_sub(s, 0, slash), &c.ip);
    if (e != OK)
        return e;
    /* A mapped address written in IPv6 takes its prefix length in IPv6 terms. */
    bool is_quad = str_find(s, ':') == STR_NPOS;
    uint64_t bits = is_quad ? 32 : 128;
    if (slash != STR_NPOS) {
        struct str digits = str_sub(s, slash + 1, s.n);
        if (digits.n > 3 || (digits.n > 1 && digits.p[0] == '0') ||
            str_to_u64(digits, bits, &bits) != OK)
            return ERR_INVALID;
    }
    c.bits = (uint8_t)(is_quad ? bits + 96 : bits);
    if (!host_bits_are_zero(&c))
        return ERR_INVALID;
    *out = c;
    return OK;
}

void cidr_format(const struct cidr *c, struct buf *out)
{
    bool is_quad = ip_is_v4(&c->ip) && c->bits >= 96;
    if (!is_quad && ip_is_v4(&c->ip)) { /* ::ffff:0:0/90: must not be read back as IPv4 */
        char text[INET6_ADDRSTRLEN];
        buf_add_z(out, inet_ntop(AF_INET6, c->ip.b, text, sizeof text));
    } else {
        ip_format(&c->ip, out);
    }
    buf_add_c(out, '/');
    buf_add_u64(out, is_quad ? c->bits - 96u : c->bits);
}

bool cidr_has(const struct cidr *c, const struct ip *ip)
{
    return same_prefix(c->ip.b, ip->b, c->bits);
}

struct cidr cidr_of(const struct ip *ip, uint8_t bits)
{
    struct cidr c = {.bits = bits};
    for (unsigned i = 0; i < sizeof c.ip.b; i++) {
        unsigned kept = bits <= i * 8 ? 0 : bits - i * 8;
        unsigned mask = kept >= 8 ? 0xffu : 0xffu << (8 - kept) & 0xffu;
        c.ip.b[i] = (uint8_t)(ip->b[i] & mask);
    }
    return c;
}

enum err ip_port_parse(struct str s, struct ip_port *out)
{
    size_t colon = str_rfind(s, ':');
    if (colon == STR_NPOS)
        return ERR_INVALID;
    struct str host = str_sub(s, 0, colon), digits = str_sub(s, colon + 1, s.n);
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = str_sub(host, 1, host.n - 1);
        if (str_find(host, ':') == STR_NPOS)
            return ERR_INVALID;
    } else if (str_find(host, ':') != STR_NPOS) {
        return ERR_INVALID;
    }
    struct ip_port a;
    uint64_t port = 0;
    if (digits.n > 5 || str_to_u64(digits, UINT16_MAX, &port) != OK || port == 0 ||
        digits.p[0] == '0' || ip_parse(host, &a.ip) != OK)
        return ERR_INVALID;
    a.port = (uint16_t)port;
    *out = a;
    return OK;
}

void ip_port_format(const struct ip_port *a, struct buf *out)
{
    bool is_v4 = ip_is_v4(&a->ip);
    if (!is_v4)
        buf_add_c(out, '[');
    ip_format(&a->ip, out);
    if (!is_v4)
        buf_add_c(out, ']');
    buf_add_c(out, ':');
    buf_add_u64(out, a->port);
}

unsigned ip_port_to_sockaddr(const struct ip_port *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (ip_is_v4(&a->ip)) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->ip.b + 12, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    memcpy(&in6->sin6_addr, a->ip.b, 16);
    return sizeof *in6;
}

enum err ip_port_from_sockaddr(const struct sockaddr *sa, struct ip_port *out)
{
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        memcpy(out->ip.b, mapped_prefix, sizeof mapped_prefix);
        memcpy(out->ip.b + 12, &in->sin_addr, 4);
        out->port = ntohs(in->sin_port);
        return OK;
    }
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
        memcpy(out->ip.b, &in6->sin6_addr, 16);
        out->port = ntohs(in6->sin6_port);
        return OK;
    }
    return ERR_UNSUPPORTED;
}
