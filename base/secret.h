/* secret: wiping, comparing and making secret bytes. Threads: safe anywhere. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/str.h"

void secret_wipe(void *p, size_t n);                  /* not removed by the optimiser */
bool secret_eq(struct str a, struct str b);           /* time depends on lengths only */
enum err secret_random(void *p, size_t n) MUST_CHECK; /* from the kernel; ERR_IO */

/* Random bytes as 2*n lower-case hexadecimal digits and a zero. */
enum err secret_random_hex(char *out, size_t n_bytes) MUST_CHECK;

#endif
