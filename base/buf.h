/* buf: growing bytes with a ceiling fixed when it is made. A failed append leaves the content as it
 * was and is remembered in `failed`, so that a writer may append many times and look once.
 * Owner: the caller's storage; buf_fini frees the bytes and works on a zeroed struct.
 * Limit: ceiling_bytes. Threads: one at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t ceiling_bytes;
    bool failed; /* some append did not fit or had no memory */
};

void buf_init(struct buf *b, size_t ceiling_bytes);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory; forgets `failed` */

/* Room for at least `more` bytes behind the content. ERR_LIMIT, ERR_NOMEM. */
enum err buf_reserve(struct buf *b, size_t more) MUST_CHECK;

/* Appends; errors are kept in b->failed. */
void buf_add(struct buf *b, struct str s);
void buf_add_c(struct buf *b, char c);
void buf_add_z(struct buf *b, const char *zero_terminated);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Removes the first n bytes (n <= b->n). */
void buf_consume(struct buf *b, size_t n);

/* The content; borrowed until the next append. */
struct str buf_str(const struct buf *b);

/* Content as zero-terminated heap bytes; ownership moves to the caller, b is empty afterwards.
 * NULL when b->failed or out of memory. */
char *buf_take(struct buf *b);

#endif
