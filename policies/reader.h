/* reader: strict reading of JSON objects with a JSON pointer always at hand, so that a fault names
 * its place. Used by model and by settings documents. Threads: one at a time. */
#ifndef POLICIES_READER_H
#define POLICIES_READER_H

#include <jansson.h>

#include "base/arena.h"
#include "base/report.h"

struct reader {
    struct report *report;
    struct arena *arena;
    bool is_out_of_memory;
    char pointer[512]; /* of the value being read */
    size_t n;
};

/* The object that a document is; NULL with a fault in the report. The caller frees it. */
json_t *reader_document(struct str document, struct report *report);

/* Steps into a member or an element and back. The pointer is escaped (RFC 6901). */
size_t reader_enter(struct reader *r, const char *name);
size_t reader_enter_at(struct reader *r, size_t index);
void reader_leave(struct reader *r, size_t mark);

void reader_fault(struct reader *r, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A copy in the arena. */
struct str reader_copy(struct reader *r, struct str s);
void *reader_alloc(struct reader *r, size_t n, size_t size);

/* Reports every member whose name is not in the NULL-terminated list. */
void reader_only(struct reader *r, const json_t *object, const char *const *names);

/* Each looks at one member: absent leaves *out alone; a wrong type is a fault. */
void reader_string(struct reader *r, const json_t *object, const char *name, struct str *out);
void reader_bool(struct reader *r, const json_t *object, const char *name, bool *out);
/* A whole number from 1 to max; null leaves *out alone. */
void reader_u64(struct reader *r, const json_t *object, const char *name, uint64_t max,
                uint64_t *out);
/* An index into the NULL-terminated list of words. */
void reader_word(struct reader *r, const json_t *object, const char *name, const char *const *words,
                 int *out);
/* RFC 3339 as Unix ms; null leaves *out alone. */
void reader_time(struct reader *r, const json_t *object, const char *name, int64_t *out);
/* The member when it is an array, else NULL (with a fault when it is something else). */
const json_t *reader_array(struct reader *r, const json_t *object, const char *name);
const json_t *reader_object(struct reader *r, const json_t *object, const char *name);

/* RFC 3339 with Z or an offset. */
bool reader_parse_time(struct str s, int64_t *out);

#endif
