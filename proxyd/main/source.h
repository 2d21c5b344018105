/* source: from what is stored (policy.db, categories.idx, and the copy of the last good policy) to
 * what the workers run. The former good policy stays in hand, so a document that cannot be used
 * never takes service away: the answer then says what is wrong and nothing changes.
 * Owner: open/close. Threads: one at a time (the reload lock). Slow: compiles. */
#ifndef PROXYD_MAIN_SOURCE_H
#define PROXYD_MAIN_SOURCE_H

#include <jansson.h>

#include "base/arena.h"
#include "db/settings_proxy.h"
#include "proxyd/flow/policy_hold.h"

struct source;
struct store;

struct source_loaded {
    struct flow_set *set;    /* one reference for the caller */
    uint64_t policy_version; /* 0: nothing published yet */
    uint64_t trial_version;  /* on trial for some beside it; 0: none */
    unsigned retention_days;
    bool is_last_good; /* the store could not give the live policy: the kept copy runs */
};

/* state_dir: borrowed for the life of the source. */
enum err source_open(const char *state_dir, struct source **out) MUST_CHECK;
void source_close(struct source *s);

/* Reads and compiles. OK and *out; problems that do not stop it (the kept copy runs, a settings
 * document is unusable and the former one stays) are appended to `problems` (a JSON array of
 * {where, pointer, code, message}). ERR_INVALID, ERR_CORRUPT, ...: nothing to run changes, see
 * problems. */
enum err source_load(struct source *s, json_t *problems, struct source_loaded *out) MUST_CHECK;

/* A set from what is in hand, without looking at the store. ERR_NOMEM. */
enum err source_empty(struct source *s, struct source_loaded *out) MUST_CHECK;

/* The open store, for the parts of main that read more from it (people, directory); NULL while
 * there is none. Valid until the next source_load. */
struct store *source_store(struct source *s);

/* One reference to the live policy in hand, or NULL. */
struct snapshot *source_policy(struct source *s);

/* Has the store changed since the last source_load? True also when it has appeared. */
bool source_has_changed(struct source *s);

/* What is known of the category index, for status: names the object's members. */
json_t *source_status(const struct source *s);

/* Appends one problem; pointer and code may be "". */
void source_problem(json_t *problems, const char *where, const char *pointer, const char *code,
                    const char *message);

#endif
