/* auth_head: credentials as they stand in a field. Everything is bounded and strict: one spelling
 * of one credential, so that caches keyed by it cannot be talked around. */
#include "proxyd/wire/auth_head.h"

#include <string.h>

#include "base/secret.h"
#include "proxyd/wire/headers.h"

static enum auth_scheme scheme_of(struct str s)
{
    if (str_eq_nocase(s, STR("basic")))
        return AUTH_BASIC;
    if (str_eq_nocase(s, STR("negotiate")))
        return AUTH_NEGOTIATE;
    if (str_eq_nocase(s, STR("ntlm")))
        return AUTH_NTLM;
    return str_eq_nocase(s, STR("bearer")) ? AUTH_BEARER : AUTH_OTHER;
}

enum err auth_head_parse(struct str value, struct auth_head *out)
{
    value = str_trim(value);
    struct auth_head a;
    size_t space = str_find(value, ' ');
    a.scheme_text = str_sub(value, 0, space);
    a.token = space == STR_NPOS ? str_sub(value, value.n, value.n)
                                : str_trim(str_sub(value, space, value.n));
    a.scheme = scheme_of(a.scheme_text);
    if (!header_is_token(a.scheme_text))
        return ERR_INVALID;
    for (size_t i = 0; i < a.token.n; i++) {
        unsigned char c = (unsigned char)a.token.p[i];
        bool is_separator = c == ' ' || c == '\t' || c == ',';
        if (c == 0x7f || (c < 0x20 && c != '\t') || (is_separator && a.scheme != AUTH_OTHER))
            return ERR_INVALID;
    }
    *out = a;
    return OK;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

enum err auth_base64_decode(struct str token, void *out, size_t room, size_t *n)
{
    if (token.n == 0 || token.n % 4 != 0)
        return ERR_INVALID;
    size_t pad = token.p[token.n - 1] != '=' ? 0 : token.p[token.n - 2] != '=' ? 1 : 2;
    if (token.n / 4 * 3 - pad > room)
        return ERR_LIMIT;
    uint8_t *to = out;
    uint32_t word = 0;
    for (size_t i = 0; i < token.n - pad; i++) {
        int v = base64_value(token.p[i]);
        if (v < 0)
            return ERR_INVALID;
        word = word << 6 | (unsigned)v;
        if (i % 4 == 0)
            continue;
        /* Each digit but the first of four completes a byte: 12, 18, 24 bits are there. */
        unsigned spare = 4 - 2 * ((unsigned)(i % 4) - 1);
        *to++ = (uint8_t)(word >> spare);
    }
    /* Bits behind the last whole byte must be zero, else one text has several spellings. */
    uint32_t stray = pad == 2 ? word & 15 : pad == 1 ? word & 3 : 0;
    if (stray)
        return ERR_INVALID;
    *n = (size_t)(to - (uint8_t *)out);
    return OK;
}

/* Length of the UTF-8 sequence at s (RFC 3629: shortest form, no surrogates, up to 10FFFF), or 0.
 */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    unsigned char c = s[0];
    if (c < 0x80)
        return 1;
    size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || need > n)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool is_bad = (c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) ||
                  (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f);
    return is_bad ? 0 : need;
}

static bool is_clean_text(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        const unsigned char *p = (const unsigned char *)s.p + i;
        size_t n = utf8_length(p, s.n - i);
        bool is_control = *p < 0x20 || *p == 0x7f || (*p == 0xc2 && n == 2 && p[1] < 0xa0);
        if (n == 0 || is_control)
            return false;
        i += n;
    }
    return true;
}

enum err auth_basic_decode(struct str token, struct auth_basic *out)
{
    size_t n;
    enum err e = auth_base64_decode(token, out->text, sizeof out->text, &n);
    if (e != OK)
        return e;
    struct str text = str_make(out->text, n);
    size_t colon = str_find(text, ':');
    if (colon == STR_NPOS || colon == 0 || !is_clean_text(text)) {
        auth_basic_wipe(out);
        return ERR_INVALID;
    }
    out->user = str_sub(text, 0, colon);
    out->password = str_sub(text, colon + 1, n);
    return OK;
}

void auth_basic_wipe(struct auth_basic *b)
{
    secret_wipe(b, sizeof *b);
}
