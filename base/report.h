/* report: what is wrong with a document, all at once, each thing with its JSON pointer. Made by the
 * pure readers of documents and settings, shown by the admin room and by --check.
 * Owner: the caller's storage; report_fini works on a zeroed one and on a half-built one.
 * Limit: REPORT_MAX entries of each kind, then only `n_dropped` grows. Threads: one at a time.
 * See: RFC 6901 for the pointers. */
#ifndef BASE_REPORT_H
#define BASE_REPORT_H

#include "base/str.h"

#define REPORT_MAX 1000

struct report_entry {
    char *pointer; /* "/profiles/0/name"; "" for the whole document */
    char *code;    /* stable token: "unknown-key", "bad-host", ... */
    char *message; /* one English sentence */
};

struct report {
    struct report_entry *faults; /* the document cannot be used when there is one */
    size_t n_faults;
    struct report_entry *warnings; /* oddities that do not stop anything */
    size_t n_warnings;
    size_t n_dropped; /* faults not kept: over the limit, or out of memory */
};

void report_init(struct report *r);
void report_fini(struct report *r);

/* True when the document is unusable; a fault that could not be kept counts as well. */
bool report_has_faults(const struct report *r);

/* The texts are copied; the message is a printf format. */
void report_fault(struct report *r, const char *pointer, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void report_warning(struct report *r, const char *pointer, const char *code, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

#endif
