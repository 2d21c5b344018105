/* str: a view of bytes, pointer plus length, never owned and never assumed to end in zero.
 * Borrows: a view is valid as long as the bytes it points into; the giver's header says until when.
 * Threads: values only. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct str {
    const char *p;
    size_t n;
};

/* A view of a string literal. */
#define STR(lit) ((struct str){"" lit "", sizeof(lit) - 1})
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).n, (s).p

struct str str_of(const char *zero_terminated); /* NULL gives an empty view */
struct str str_make(const void *p, size_t n);
struct str str_sub(struct str s, size_t from, size_t to); /* clamped to the view */

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
int str_cmp(struct str a, struct str b);        /* by byte value, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

#define STR_NPOS ((size_t)-1)
size_t str_find(struct str s, char c);  /* index of the first c, or STR_NPOS */
size_t str_rfind(struct str s, char c); /* index of the last c, or STR_NPOS */
size_t str_find_str(struct str s, struct str needle);

struct str str_trim(struct str s); /* spaces and tabs off both ends */

/* Takes the part before the first c off *rest; *rest becomes what follows c (empty at the end).
 * false when *rest was empty before the call. */
bool str_split(struct str *rest, char c, struct str *part);

/* Decimal digits only, no sign, no space. ERR_INVALID, ERR_LIMIT (above max). */
enum err str_to_u64(struct str s, uint64_t max, uint64_t *out) MUST_CHECK;

/* ASCII lower case of one byte. */
char str_lower(char c);

/* A zero-terminated copy on the heap, to be freed by the caller; NULL when out of memory. */
char *str_dup(struct str s);

#endif
