/* list_utf16: unit by unit. */
#include "db/list_utf16.h"

static void put(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_c(out, (char)c);
        return;
    }
    if (c >= 0x10000) {
        buf_add_c(out, (char)(0xf0 | c >> 18));
        buf_add_c(out, (char)(0x80 | (c >> 12 & 0x3f)));
    } else if (c >= 0x800) {
        buf_add_c(out, (char)(0xe0 | c >> 12));
    } else {
        buf_add_c(out, (char)(0xc0 | c >> 6));
    }
    if (c >= 0x800)
        buf_add_c(out, (char)(0x80 | (c >> 6 & 0x3f)));
    buf_add_c(out, (char)(0x80 | (c & 0x3f)));
}

static void unit(struct list_utf16 *u, uint16_t v, struct buf *out)
{
    bool is_low = v >= 0xdc00 && v <= 0xdfff;
    if (u->high && is_low) {
        put(out, 0x10000 + ((uint32_t)(u->high - 0xd800) << 10) + (uint32_t)(v - 0xdc00));
        u->high = 0;
        return;
    }
    if (u->high)
        put(out, 0xfffd);
    u->high = v >= 0xd800 && v <= 0xdbff ? v : 0;
    if (!u->high)
        put(out, is_low ? 0xfffd : v);
}

void list_utf16_feed(struct list_utf16 *u, struct str bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (u->has_half)
            unit(u, (uint16_t)(u->is_big ? u->half << 8 | c : c << 8 | u->half), out);
        u->half = c;
        u->has_half = !u->has_half;
    }
}
