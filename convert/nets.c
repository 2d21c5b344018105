/* nets: ranges become the fewest networks that make them up. */
#include "convert/nets.h"

#include <string.h>

#include "base/cidr.h"

static unsigned family_bits(const struct ip *ip)
{
    return ip_is_v4(ip) ? 32 : 128;
}

static void clear_below(struct ip *ip, unsigned bits)
{
    for (unsigned i = bits; i < 128; i++)
        ip->b[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
}

static void append(const struct ip *ip, unsigned bits, json_t *out)
{
    struct cidr c = {*ip, (uint8_t)bits};
    struct buf b;
    clear_below(&c.ip, bits);
    buf_init(&b, 80);
    cidr_format(&c, &b);
    json_array_append_new(out, json_stringn(b.p, b.n));
    buf_fini(&b);
}

/* Length of a prefix from "24" or "255.255.255.0"; counted in the mapped form. */
static bool read_mask(struct str text, const struct ip *ip, unsigned *bits)
{
    uint64_t n;
    struct ip mask;
    unsigned family = family_bits(ip), offset = 128 - family;
    if (str_to_u64(text, family, &n) == OK) {
        *bits = offset + (unsigned)n;
        return true;
    }
    if (ip_parse(text, &mask) != OK || family_bits(&mask) != family)
        return false;
    unsigned at = offset;
    while (at < 128 && (mask.b[at / 8] & (0x80u >> (at % 8))))
        at++;
    *bits = at;
    for (; at < 128; at++) {
        if (mask.b[at / 8] & (0x80u >> (at % 8)))
            return false; /* a mask with holes */
    }
    return true;
}

static bool add_power(struct ip *ip, unsigned bits) /* ip += the size of a /bits; false: wrapped */
{
    int byte = (int)(bits - 1) / 8;
    unsigned carry = 1u << (7 - (bits - 1) % 8);
    for (; byte >= 0 && carry; byte--) {
        carry += ip->b[byte];
        ip->b[byte] = (uint8_t)carry;
        carry >>= 8;
    }
    return !carry;
}

static enum err add_range(struct ip from, const struct ip *to, json_t *out)
{
    unsigned least = 128 - family_bits(&from);
    if (memcmp(from.b, to->b, sizeof from.b) > 0 || family_bits(&from) != family_bits(to))
        return ERR_INVALID;
    for (;;) {
        unsigned bits = 128;
        while (bits > least) { /* grow while aligned and not beyond the end */
            struct ip base = from, last = from;
            clear_below(&base, bits - 1);
            for (unsigned i = bits - 1; i < 128; i++)
                last.b[i / 8] |= (uint8_t)(0x80u >> (i % 8));
            if (!ip_eq(&base, &from) || memcmp(last.b, to->b, sizeof last.b) > 0)
                break;
            bits--;
        }
        append(&from, bits, out);
        if (!bits || !add_power(&from, bits) || memcmp(from.b, to->b, sizeof from.b) > 0)
            return OK;
    }
}

enum err nets_add(struct str text, json_t *out)
{
    struct ip from, to;
    unsigned bits = 128;
    size_t slash = str_find(text, '/'), dash = str_find(text, '-');
    struct str mask = slash == STR_NPOS ? (struct str){0} : str_sub(text, slash + 1, text.n);
    struct str body = slash == STR_NPOS ? text : str_sub(text, 0, slash);
    if (dash != STR_NPOS) {
        if (ip_parse(str_sub(body, 0, dash), &from) != OK ||
            ip_parse(str_sub(body, dash + 1, body.n), &to) != OK)
            return ERR_INVALID;
        return add_range(from, &to, out);
    }
    if (ip_parse(body, &from) != OK || (mask.n && !read_mask(mask, &from, &bits)))
        return ERR_INVALID;
    append(&from, bits, out);
    return OK;
}
