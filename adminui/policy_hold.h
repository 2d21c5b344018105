/* policy_hold: compiled policies and the category index for checking and simulating, kept between
 * calls so that a test of one URL does not compile a thousand rules anew. The index is the file
 * proxyd maps too; it is opened again when it was replaced.
 * Owner: policy_hold_open/close. Threads: any; compiling runs outside the lock.
 * Limit: POLICY_HOLD_MAX snapshots, the one longest unused goes first. */
#ifndef ADMINUI_POLICY_HOLD_H
#define ADMINUI_POLICY_HOLD_H

#include "adminui/app.h"
#include "policies/compile.h"

#define POLICY_HOLD_MAX 8

struct policy_hold;

enum err policy_hold_open(struct app *app, struct policy_hold **out) MUST_CHECK;
void policy_hold_close(struct policy_hold *h); /* NULL is fine */

/* One reference to the index for the caller, NULL when there is none yet. *is_damaged: the file on
 * disk cannot be used; the last good one is answered. */
struct category_index *policy_hold_index(struct policy_hold *h, bool *is_damaged);

struct policy_ask {
    struct str document;
    uint64_t version;  /* 0: a draft */
    uint64_t revision; /* of the draft; 0 with version 0: do not keep */
};

/* The document compiled against the current index; one reference for the caller. Errors and report
 * as policy_compile; a kept snapshot has an empty report. */
enum err policy_hold_get(struct policy_hold *h, const struct policy_ask *ask, struct report *report,
                         struct snapshot **out) MUST_CHECK;

#endif
