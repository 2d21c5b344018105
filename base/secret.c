/* secret: wiping, constant-time comparison, random bytes. */
#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

void secret_wipe(void *p, size_t n)
{
    if (n)
        explicit_bzero(p, n);
}

bool secret_eq(struct str a, struct str b)
{
    unsigned diff = a.n != b.n;
    for (size_t i = 0; i < a.n && i < b.n; i++)
        diff |= (unsigned)(a.p[i] ^ b.p[i]);
    return diff == 0;
}

enum err secret_random(void *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom((char *)p + done, n - done, 0);
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            return ERR_IO;
    }
    return OK;
}

enum err secret_random_hex(char *out, size_t n_bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned char c;
        enum err e = secret_random(&c, 1);
        if (e != OK)
            return e;
        out[2 * i] = digits[c >> 4];
        out[2 * i + 1] = digits[c & 15];
    }
    out[2 * n_bytes] = '\0';
    return OK;
}
