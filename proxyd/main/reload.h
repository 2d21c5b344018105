/* reload: the one way in which what the workers run changes: read and compile beside the traffic,
 * give the new set to every worker, and only then say so. One reload at a time; listeners and
 * running requests are not touched. Who asks what runs never waits for a reload, however long that
 * compiles. Owner: main. Threads: anywhere. */
#ifndef PROXYD_MAIN_RELOAD_H
#define PROXYD_MAIN_RELOAD_H

#include <pthread.h>

#include "proxyd/main/people.h"
#include "proxyd/main/retired.h"
#include "proxyd/main/sink_db.h"
#include "proxyd/main/source.h"
#include "proxyd/main/workers.h"

struct reload {
    pthread_mutex_t turn; /* one reload at a time: guards what follows up to the blank line */
    struct source *source;
    struct workers *workers;
    struct sink_db *sink;
    struct people *people;
    struct parent_watch *watch; /* NULL: not yet */
    struct retired retired;     /* what they ran before */

    pthread_mutex_t lock; /* held for moments: guards what follows; written by who has the turn */
    struct flow_set *current; /* one reference to what the workers run */
    uint64_t policy_version;
    uint64_t trial_version; /* beside it, for some; 0: none */
    bool is_last_good;
    int64_t at_ms;      /* Unix time of the last one that succeeded */
    json_t *problems;   /* of the last one */
    json_t *categories; /* source_status after it */
    const struct clock *clock;
};

enum err reload_init(struct reload *r) MUST_CHECK;
void reload_fini(struct reload *r);

/* The first load, before the workers run: *set gets one reference for the caller. Never fails for
 * what is stored: without a usable policy the set has none. ERR_NOMEM. */
enum err reload_first(struct reload *r, struct flow_set **set) MUST_CHECK;

/* What all workers run. */
struct reload_versions {
    uint64_t policy, trial; /* trial 0: none */
};
/* Loads and swaps. *now: what is so afterwards, also on failure. problems: an array that gets what
 * was wrong (also on OK). */
enum err reload_now(struct reload *r, json_t *problems, struct reload_versions *now) MUST_CHECK;

/* reload_now if the store or the index has changed since; called every second. */
void reload_if_changed(struct reload *r);

/* One reference to the policy that is live, or NULL. */
struct snapshot *reload_policy(struct reload *r);

/* One reference to what the workers run. */
struct flow_set *reload_set(struct reload *r);

/* {"policy_version", "trial_version" (null: none), "last_good", "loaded_at", "problems",
 * "categories"} */
json_t *reload_status(struct reload *r);

#endif
