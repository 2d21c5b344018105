/* replay_tally: what one thread of a replay counts, and the sum of several as the Replay of
 * openapi.json. Owner: caller's storage, replay_tally_fini. Limit: TALLY_KEYS_MAX names of a kind;
 * flips of further ones are counted under "" with `others`. Threads: one each. */
#ifndef ADMINUI_REPLAY_TALLY_H
#define ADMINUI_REPLAY_TALLY_H

#include <jansson.h>

#include "base/arena.h"
#include "base/map.h"
#include "policies/replay.h"

#define TALLY_KEYS_MAX 100000
#define TALLY_EXAMPLES 100 /* of each kind, in the answer; each thread keeps as many */
#define TALLY_SHOWN    50  /* rows of each table in the answer */

enum tally_by { TALLY_USER, TALLY_HOST, TALLY_CATEGORY, TALLY_RULE, TALLY_N };
enum tally_example { TALLY_FLIP, TALLY_LISTS, TALLY_UNSURE, TALLY_N_EXAMPLES };

struct replay_tally {
    struct arena arena;
    struct map by[TALLY_N];
    uint64_t records, judged, flips, newly_blocked, newly_allowed, other;
    uint64_t by_lists, unsure, rule_changes, doubts[REPLAY_N_DOUBTS];
    json_t *examples[TALLY_N_EXAMPLES];
};

void replay_tally_init(struct replay_tally *t);
void replay_tally_fini(struct replay_tally *t);

/* One record whose answer is not what it was. */
struct replay_flip {
    const struct record *r;
    enum replay_outcome then;
    const struct replay_judged *now;
};
void replay_tally_flip(struct replay_tally *t, const struct replay_flip *f);
/* The same, but the policy is not the reason: lists have changed since. */
void replay_tally_lists(struct replay_tally *t, const struct replay_flip *f);
void replay_tally_unsure(struct replay_tally *t, const struct replay_flip *f,
                         enum replay_doubt doubt);

/* Adds `from` to `to`. */
void replay_tally_add(struct replay_tally *to, const struct replay_tally *from);
/* The counting members of Replay; NULL when out of memory. */
json_t *replay_tally_json(const struct replay_tally *t);

#endif
