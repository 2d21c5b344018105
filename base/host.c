/* host: the normal form of names and address literals. Plain lower-case ASCII names take one pass
 * over the bytes; everything else is decoded, mapped by libidn2 where it holds other letters, and
 * then goes through the same pass, so both ways end in one form. */
#include "base/host.h"

#include <idn2.h>
#include <string.h>

#define NAME_MAX_BYTES 253
#define LABEL_MAX      63
#define RAW_MAX        2048 /* percent-encoded or non-ASCII spelling of one name */

struct str host_str(const struct host *h)
{
    return str_make(h->text, h->n);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Already in normal form, but for being an odd spelling of an address? */
static enum err check_name(struct str s)
{
    if (s.n == 0)
        return ERR_INVALID;
    size_t label = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (is_name_byte(s.p[i])) {
            label++;
            continue;
        }
        if (s.p[i] != '.' || label == 0 || label > LABEL_MAX)
            return ERR_INVALID;
        label = 0;
    }
    if (label == 0 || label > LABEL_MAX)
        return ERR_INVALID;
    return s.n > NAME_MAX_BYTES ? ERR_LIMIT : OK;
}

static struct str last_label(struct str s)
{
    size_t dot = str_rfind(s, '.');
    return dot == STR_NPOS ? s : str_sub(s, dot + 1, s.n);
}

static bool is_all(struct str s, const char *set)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\0' || !strchr(set, s.p[i]))
            return false;
    return true;
}

/* A name whose last label is a number is read as an address by every resolver; no real name ends
 * so. */
static bool ends_in_number(struct str s)
{
    struct str last = last_label(s);
    if (last.p[0] < '0' || last.p[0] > '9')
        return false;
    if (str_starts(last, STR("0x")))
        return is_all(str_sub(last, 2, last.n), "0123456789abcdef");
    return is_all(last, "0123456789");
}

/* One part as inet_aton reads it: decimal, 0octal, 0xhex. */
static enum err odd_number(struct str s, uint64_t *out)
{
    unsigned base = 10;
    if (str_starts(s, STR("0x"))) {
        base = 16;
        s = str_sub(s, 2, s.n);
    } else if (s.n > 1 && s.p[0] == '0') {
        base = 8;
    }
    if (s.n == 0)
        return ERR_INVALID;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = s.p[i] >= 'a' ? (unsigned)(s.p[i] - 'a') + 10 : (unsigned)(s.p[i] - '0');
        if (d >= base)
            return ERR_INVALID;
        v = v * base + d;
        if (v > UINT32_MAX)
            return ERR_INVALID;
    }
    *out = v;
    return OK;
}

static enum err odd_ipv4(struct str s, struct ip *out)
{
    uint64_t total = 0;
    struct str part;
    unsigned n = 0;
    while (str_split(&s, '.', &part)) {
        uint64_t v;
        if (++n > 4 || odd_number(part, &v) != OK)
            return ERR_INVALID;
        bool is_last = s.n == 0;
        uint64_t max = is_last ? UINT32_MAX >> (8 * (n - 1)) : 255;
        if (v > max)
            return ERR_INVALID;
        total |= is_last ? v : v << (32 - 8 * n);
    }
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memcpy(out->b, mapped, sizeof mapped);
    for (unsigned i = 0; i < 4; i++)
        out->b[12 + i] = (uint8_t)(total >> (24 - 8 * i));
    return OK;
}

static enum err finish_ip(const struct ip *ip, struct host *out)
{
    struct ip inner;
    /* 64:ff9b::/96 is but another way to write IPv4 (RFC 6052); 6to4 addresses lie behind one */
    if (ip->b[0] == 0 && ip_inner_v4(ip, &inner))
        ip = &inner;
    struct buf text = {.p = out->text, .cap = sizeof out->text, .ceiling_bytes = sizeof out->text};
    ip_format(ip, &text);
    out->n = (uint8_t)text.n;
    out->text[text.n] = '\0';
    out->is_ip = true;
    out->ip = *ip;
    return OK;
}

/* Lower-case ASCII without a trailing dot: a name or an odd IPv4 spelling. */
static enum err finish_name(struct str s, struct host *out)
{
    enum err e = check_name(s);
    if (e != OK)
        return e;
    if (ends_in_number(s)) {
        struct ip ip;
        e = odd_ipv4(s, &ip);
        return e == OK ? finish_ip(&ip, out) : e;
    }
    memcpy(out->text, s.p, s.n);
    out->text[s.n] = '\0';
    out->n = (uint8_t)s.n;
    out->is_ip = false;
    return OK;
}

static struct str without_dot(struct str s)
{
    return s.n && s.p[s.n - 1] == '.' ? str_sub(s, 0, s.n - 1) : s;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes and lowers. Only bytes that may stand there bare may come out of a triplet. */
static enum err decode(struct str raw, char *text, size_t *n, bool *is_ascii)
{
    size_t out = 0;
    *is_ascii = true;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '%') {
            int high = i + 2 < raw.n ? hex_digit(raw.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(raw.p[i + 2]) : -1;
            if (low < 0)
                return ERR_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        }
        c = str_lower(c);
        if ((unsigned char)c >= 0x80)
            *is_ascii = false;
        else if (!is_name_byte(c) && c != '.')
            return ERR_INVALID;
        text[out++] = c;
    }
    text[out] = '\0';
    *n = out;
    return OK;
}

/* Letters outside ASCII: UTS #46 mapping, non-transitional, to A-labels. */
static enum err map_idn(const char *text, struct host *out)
{
    uint8_t *ascii = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)text, &ascii,
                            IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_NO_ALABEL_ROUNDTRIP);
    if (rc != IDN2_OK) {
        idn2_free(ascii);
        return rc == IDN2_MALLOC ? ERR_NOMEM : ERR_INVALID;
    }
    struct str s = str_of((const char *)ascii);
    char lower[RAW_MAX + 1];
    size_t n;
    bool is_ascii;
    /* The mapping can bring forth any ASCII byte (a full-width per cent sign, say): judged again.
     */
    enum err e = s.n <= RAW_MAX && str_find(s, '%') == STR_NPOS ? decode(s, lower, &n, &is_ascii)
                                                                : ERR_INVALID;
    if (e == OK)
        e = is_ascii ? finish_name(without_dot(str_make(lower, n)), out) : ERR_INVALID;
    idn2_free(ascii);
    return e;
}

static enum err normalise_slow(struct str raw, struct host *out)
{
    char text[RAW_MAX + 1];
    size_t n;
    bool is_ascii;
    if (raw.n > RAW_MAX)
        return ERR_LIMIT;
    enum err e = decode(raw, text, &n, &is_ascii);
    if (e != OK)
        return e;
    if (is_ascii)
        return finish_name(without_dot(str_make(text, n)), out);
    return map_idn(text, out);
}

enum err host_normalise(struct str raw, struct host *out)
{
    if (raw.n == 0)
        return ERR_INVALID;
    struct ip ip;
    if (raw.p[0] == '[') {
        if (raw.p[raw.n - 1] != ']' || str_find(raw, ':') == STR_NPOS ||
            ip_parse(str_sub(raw, 1, raw.n - 1), &ip) != OK)
            return ERR_INVALID;
        return finish_ip(&ip, out);
    }
    if (str_find(raw, ':') != STR_NPOS)
        return ip_parse(raw, &ip) == OK ? finish_ip(&ip, out) : ERR_INVALID;
    for (size_t i = 0; i < raw.n; i++)
        if (!is_name_byte(raw.p[i]) && raw.p[i] != '.')
            return normalise_slow(raw, out);
    return finish_name(without_dot(raw), out);
}

bool host_is_below(struct str name, struct str suffix)
{
    if (suffix.n == 0 || name.n < suffix.n || !str_ends(name, suffix))
        return false;
    return name.n == suffix.n || name.p[name.n - suffix.n - 1] == '.';
}

struct str host_parent(struct str name)
{
    size_t dot = str_find(name, '.');
    return dot == STR_NPOS ? str_make(name.p + name.n, 0) : str_sub(name, dot + 1, name.n);
}
