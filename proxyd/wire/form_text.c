/* form_text: splitting at &, decoding. */
#include "proxyd/wire/form_text.h"

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err decode(struct str in, struct arena *a, struct str *out)
{
    char *p = arena_alloc(a, in.n + 1);
    size_t n = 0;
    if (!p)
        return ERR_NOMEM;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i] == '+' ? ' ' : in.p[i];
        if (in.p[i] == '%') {
            int high = i + 2 < in.n ? nibble(in.p[i + 1]) : -1;
            int low = high < 0 ? -1 : nibble(in.p[i + 2]);
            if (low < 0)
                return ERR_INVALID;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0')
            return ERR_INVALID;
        p[n++] = c;
    }
    *out = str_make(p, n);
    return OK;
}

enum err form_text_value(struct str fields, struct str name, struct arena *a, struct str *out)
{
    struct str part;
    while (str_split(&fields, '&', &part)) {
        size_t eq = str_find(part, '=');
        if (eq != STR_NPOS && str_eq(str_sub(part, 0, eq), name))
            return decode(str_sub(part, eq + 1, part.n), a, out);
    }
    return ERR_NOT_FOUND;
}
