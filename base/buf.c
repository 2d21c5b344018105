/* buf: growing bytes with a ceiling. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

void buf_init(struct buf *b, size_t ceiling_bytes)
{
    *b = (struct buf){.ceiling_bytes = ceiling_bytes};
}

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.ceiling_bytes = b->ceiling_bytes};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

enum err buf_reserve(struct buf *b, size_t more)
{
    if (more > b->ceiling_bytes || b->n > b->ceiling_bytes - more)
        return ERR_LIMIT;
    size_t need = b->n + more;
    if (need <= b->cap)
        return OK;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need)
        cap *= 2;
    if (cap > b->ceiling_bytes)
        cap = b->ceiling_bytes;
    char *p = realloc(b->p, cap);
    if (!p)
        return ERR_NOMEM;
    b->p = p;
    b->cap = cap;
    return OK;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.n == 0)
        return;
    if (b->failed || buf_reserve(b, s.n) != OK) {
        b->failed = true;
        return;
    }
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void buf_add_c(struct buf *b, char c)
{
    buf_add(b, str_make(&c, 1));
}

void buf_add_z(struct buf *b, const char *z)
{
    buf_add(b, str_of(z));
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_add(b, str_make(digits + i, sizeof digits - i));
}

void buf_addf(struct buf *b, const char *format, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(small, sizeof small, format, ap);
    va_end(ap);
    must(n >= 0);
    if ((size_t)n < sizeof small) {
        buf_add(b, str_make(small, (size_t)n));
        return;
    }
    if (b->failed || buf_reserve(b, (size_t)n + 1) != OK) {
        b->failed = true;
        return;
    }
    va_start(ap, format);
    n = vsnprintf(b->p + b->n, (size_t)n + 1, format, ap);
    va_end(ap);
    b->n += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
    must(n <= b->n);
    b->n -= n;
    if (n && b->n)
        memmove(b->p, b->p + n, b->n);
}

struct str buf_str(const struct buf *b)
{
    return str_make(b->p, b->n);
}

char *buf_take(struct buf *b)
{
    char *z = b->failed ? NULL : realloc(b->p, b->n + 1);
    if (!z)
        return NULL;
    z[b->n] = '\0';
    *b = (struct buf){.ceiling_bytes = b->ceiling_bytes};
    return z;
}
