/* trial_source: the version on trial: from its row to a compiled policy and the people it is for.
 * What cannot be used is no trial; the live version is never touched by it.
 * Owner: trial_source_fini works on a zeroed one. Threads: as the source. Slow: compiles. */
#ifndef PROXYD_MAIN_TRIAL_SOURCE_H
#define PROXYD_MAIN_TRIAL_SOURCE_H

#include <jansson.h>

#include "base/arena.h"
#include "policies/canary.h"
#include "policies/snapshot.h"

struct store;

struct trial_source {
    struct snapshot *policy; /* NULL: nothing is on trial */
    struct canary *scope;
    uint64_t version; /* looked at last, also when it was of no use; 0: none */
};

struct trial_ask {
    struct store *store; /* inside the transaction of the load */
    struct arena *arena;
    struct category_index *index;
    const struct snapshot *live; /* compiled patterns are shared with it; may be NULL */
    bool is_new_index;
    json_t *problems;
};

/* Takes up what the store says. OK also when there is none, or it cannot be used (see problems);
 * an error is the store's. */
enum err trial_source_load(struct trial_source *t, const struct trial_ask *ask) MUST_CHECK;
void trial_source_fini(struct trial_source *t);

#endif
