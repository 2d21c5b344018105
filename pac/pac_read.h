/* pac_read: typed reading of a JSON object that reports each fault with the pointer of the place it
 * stands at. Used by pac_parse alone. Pure. Threads: one at a time. Borrows: strings point into the
 * JSON tree. */
#ifndef PAC_PAC_READ_H
#define PAC_PAC_READ_H

#include <jansson.h>

#include "base/report.h"

#define PAC_READ_PATH 512

struct pac_read {
    struct report *report;
    char path[PAC_READ_PATH]; /* JSON pointer of where we are */
    size_t n;
};

/* Go into a member or an element; give what they return back to pac_read_leave. */
size_t pac_read_enter(struct pac_read *r, const char *key);
size_t pac_read_enter_at(struct pac_read *r, size_t index);
void pac_read_leave(struct pac_read *r, size_t mark);

/* A fault, or a warning, at the place where we are. */
void pac_read_fault(struct pac_read *r, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void pac_read_warning(struct pac_read *r, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True when v is an object; members not named in keys (ended by NULL) are faults each. */
bool pac_read_object(struct pac_read *r, const json_t *v, const char *const *keys);

/* The member, or the value for "absent" when it is not there or (with a fault) of another type. */
json_t *pac_read_array(struct pac_read *r, const json_t *object, const char *key); /* NULL */
bool pac_read_bool(struct pac_read *r, const json_t *object, const char *key, bool absent);
struct str pac_read_str(struct pac_read *r, const json_t *object, const char *key); /* empty */

struct pac_read_range {
    uint64_t lo, hi, absent;
};
uint64_t pac_read_number(struct pac_read *r, const json_t *object, const char *key,
                         struct pac_read_range range);
/* Index into the words (ended by NULL); the first word is the value for "absent". */
unsigned pac_read_word(struct pac_read *r, const json_t *object, const char *key,
                       const char *const *words);

/* The string that v is; false with a fault when it is none, is empty or holds a zero byte. */
bool pac_read_text(struct pac_read *r, const json_t *v, struct str *out);

#endif
