/* compile: policy document (JSON text of the contract) to sealed snapshot, all faults reported at
 * once. Pure but for memory. Slow for large policies: call it off the event loop. */
#ifndef POLICIES_COMPILE_H
#define POLICIES_COMPILE_H

#include "base/report.h"
#include "policies/category.h"
#include "policies/snapshot.h"

struct compile_input {
    struct str document;          /* JSON text */
    uint64_t version;             /* 0 for a draft */
    struct category_index *index; /* may be NULL: no categories known; a reference is taken */
    /* A policy compiled before, or NULL: patterns it holds are shared with it, not compiled anew.
     */
    const struct snapshot *previous;
    bool refuse_costly; /* patterns of unbounded cost are faults: when a document is saved */
};

/* OK and *out (one reference for the caller), or ERR_INVALID with every fault in report, or
 * ERR_NOMEM. Warnings (an unknown category, an effect this version does not enforce) stop nothing.
 * report is initialised here and always to be finished by the caller (report_fini). */
enum err policy_compile(const struct compile_input *in, struct report *report,
                        struct snapshot **out) MUST_CHECK;

#endif
