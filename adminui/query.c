/* query: decoding, strict. */
#include "adminui/query.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the UTF-8 sequence at s, 0 when it is none (overlong, surrogate, cut). */
static size_t utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.n < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static bool is_clean(struct str s)
{
    while (s.n) {
        unsigned char c = (unsigned char)s.p[0];
        size_t n = utf8_length(s);
        if (!n || c < 0x20 || c == 0x7f)
            return false;
        s = str_sub(s, n, s.n);
    }
    return true;
}

enum err query_decode(struct str raw, bool is_form, struct arena *a, struct str *out)
{
    char *p = arena_alloc(a, raw.n + 1);
    if (!p)
        return ERR_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '%') {
            int high = raw.n - i > 2 ? hex_value(raw.p[i + 1]) : -1;
            int low = high >= 0 ? hex_value(raw.p[i + 2]) : -1;
            if (low < 0)
                return ERR_INVALID;
            p[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            p[n++] = is_form && raw.p[i] == '+' ? ' ' : raw.p[i];
        }
    }
    if (!is_clean(str_make(p, n)))
        return ERR_INVALID;
    *out = str_make(p, n);
    return OK;
}

enum err query_parse(struct str raw, struct arena *a, struct query *out)
{
    struct query q = {.pairs = arena_alloc(a, QUERY_PAIRS_MAX * sizeof *q.pairs)};
    struct str part, name;
    if (!q.pairs)
        return ERR_NOMEM;
    while (str_split(&raw, '&', &part)) {
        if (!part.n)
            continue;
        if (q.n == QUERY_PAIRS_MAX)
            return ERR_LIMIT;
        str_split(&part, '=', &name);
        enum err e = query_decode(name, true, a, &q.pairs[q.n].name);
        if (e == OK)
            e = query_decode(part, true, a, &q.pairs[q.n].value);
        if (e != OK)
            return e;
        q.n++;
    }
    *out = q;
    return OK;
}

bool query_get(const struct query *q, const char *name, struct str *value)
{
    for (size_t i = 0; i < q->n; i++) {
        if (str_eq(q->pairs[i].name, str_of(name))) {
            *value = q->pairs[i].value;
            return true;
        }
    }
    return false;
}
