/* pac_js: see pac_js.h. */
#include "pac/pac_js.h"

/* Decodes one UTF-8 sequence at s.p[*at]; an ill-formed byte stands for itself. */
static uint32_t next_code(struct str s, size_t *at)
{
    uint8_t b = (uint8_t)s.p[(*at)++];
    unsigned more = b >= 0xf0 && b < 0xf5 ? 3 : b >= 0xe0 ? 2 : b >= 0xc2 ? 1 : 0;
    if (b < 0x80 || b >= 0xf5 || more == 0 || s.n - *at < more)
        return b;
    uint32_t code = b & (0x3fu >> more);
    for (unsigned i = 0; i < more; i++) {
        uint8_t c = (uint8_t)s.p[*at + i];
        if ((c & 0xc0) != 0x80)
            return b;
        code = code << 6 | (c & 0x3f);
    }
    static const uint32_t lowest[] = {0, 0x80, 0x800, 0x10000};
    if (code < lowest[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return b;
    *at += more;
    return code;
}

static bool is_plain(uint32_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '<' && c != '>' &&
           c != '/' && c != '*' && c != '&' && c != '`';
}

void pac_js_string(struct buf *out, struct str s)
{
    buf_add_c(out, '"');
    for (size_t at = 0; at < s.n;) {
        uint32_t c = next_code(s, &at);
        if (is_plain(c))
            buf_add_c(out, (char)c);
        else if (c < 0x10000)
            buf_addf(out, "\\u%04x", c);
        else
            buf_addf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                     0xdc00 + ((c - 0x10000) & 0x3ff));
    }
    buf_add_c(out, '"');
}

void pac_js_comment(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == ' ' || c == '.' || c == '_' || c == '-';
        buf_add_c(out, ok ? c : '_');
    }
}
