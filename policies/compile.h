/* compile: policy document (JSON text of the contract) to sealed snapshot, all faults reported at
 * once. Pure but for memory. Slow for large policies: call it off the event loop. */
#ifndef POLICIES_COMPILE_H
#define POLICIES_COMPILE_H

#include "policies/category.h"
#include "policies/snapshot.h"

struct compile_fault {
    char *pointer; /* JSON pointer into the document, "" for the whole */
    char *code;    /* stable token: "unknown-key", "bad-pattern", "unknown-category", ... */
    char *message; /* one English sentence; a pattern's fault names the offset */
};

struct compile_report {
    struct compile_fault *faults; /* errors: no snapshot is made when there is one */
    size_t n_faults;
    struct compile_fault *warnings; /* oddities that do not stop a publish */
    size_t n_warnings;
};

struct compile_input {
    struct str document;          /* JSON text */
    uint64_t version;             /* 0 for a draft */
    struct category_index *index; /* may be NULL: no categories known; a reference is taken */
};

void compile_report_fini(struct compile_report *r); /* works on a zeroed one */

/* OK and *out (one reference for the caller), or ERR_INVALID with report filled, or ERR_NOMEM.
 * report is initialised here and always to be finished by the caller. */
enum err policy_compile(const struct compile_input *in, struct compile_report *report,
                        struct snapshot **out) MUST_CHECK;

#endif
