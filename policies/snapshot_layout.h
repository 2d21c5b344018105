/* snapshot_layout: the inside of a sealed policy, for compile, match, decide and explain only.
 *
 * Every condition of every rule is an entry (value) of a key. Per key there is a table of its
 * distinct values; per value and side the set of rules that name it. A request is matched once per
 * key (which of the values does it have?), giving hits; the rules are then judged 64 at a time from
 * bit sets. So the cost grows with the number of hits and of words, never with rules times
 * conditions.
 *
 * Most words hold no rule that can fit, so they are not looked at: each rule has one key of its
 * `when` that leads to it (the one that fits least often), and only words that a hit, or a part not
 * yet known, of a leading key leads to are judged.
 *
 * A key may have parts that become known at different stages (a list of URL patterns is known later
 * than a list of names); has_part tells which rules have a value in a part. */
#ifndef POLICIES_SNAPSHOT_LAYOUT_H
#define POLICIES_SNAPSHOT_LAYOUT_H

#include <stdatomic.h>

#include "base/map.h"
#include "policies/model.h"
#include "policies/schedule.h"
#include "policies/set_domain.h"
#include "policies/set_name.h"
#include "policies/set_net.h"
#include "policies/set_url.h"

#define PARTS_MAX 3
#define SLOTS_MAX 64
#define NO_VALUE  UINT32_MAX

struct fit { /* the rules that name a value on one side */
    uint32_t *rules;
    uint32_t n;
    uint64_t *dense; /* instead of rules, when there are many */
    uint64_t *words; /* words with a rule that this value leads to; NULL: none (side when) */
};

struct key_table {
    struct map ids; /* text of the value -> id + 1 */
    struct str *text;
    uint8_t *part; /* of each value */
    struct fit *fit[MODEL_N_SIDES];
    uint32_t n, cap;
    uint64_t *bound[MODEL_N_SIDES];               /* rules with this key on this side */
    uint64_t *has_part[MODEL_N_SIDES][PARTS_MAX]; /* NULL: none */
    bool is_used[MODEL_N_SIDES];
    uint64_t *part_words[PARTS_MAX]; /* words with a rule that this key leads to by such a part */
};

struct tag { /* what an item of a set (a name, a network, a pattern) stands for */
    uint8_t key;
    uint32_t value;
};

struct tags {        /* of the items of one set */
    uint32_t *start; /* n + 1 */
    struct tag *v;
    uint32_t n;
};

struct hit_list {
    uint32_t *ids;
    uint32_t n;
    uint32_t *epoch; /* of each value: marked in this request when equal to the slot's */
};

struct slot { /* scratch of one decision at a time; on cache lines of its own */
    _Alignas(128) atomic_bool is_taken;
    bool is_made;
    uint32_t epoch;
    struct hit_list hits[MODEL_N_KEYS];
    uint64_t *acc[MODEL_N_SIDES][MODEL_N_KEYS]; /* bits of sparse fits, cleared after use */
    struct set_url_scratch *patterns, *agents;
    unsigned unknown_parts[MODEL_N_KEYS]; /* bit a part */
    struct set_domain_hits categories;
    int64_t minute; /* for which `inside` holds; -1: none */
    bool *inside;   /* of each schedule */
    uint64_t *todo; /* words to judge */
    uint64_t *live; /* enabled and not expired, for `minute_live` */
    int64_t live_until_ms, live_from_ms;
};

struct snapshot {
    atomic_uint n_refs;
    uint64_t version;
    struct model *model;
    struct category_index *index;      /* may be NULL */
    uint32_t n_rules, n_words, n_todo; /* n_todo: words of a bit set of words */
    uint64_t *open_words;              /* words with a rule that has no `when` */
    struct key_table keys[MODEL_N_KEYS];
    uint64_t *enabled, *shadow;
    uint32_t *expiring; /* rules with an end */
    uint32_t n_expiring;

    struct set_name names; /* of hosts and of lists of domains */
    struct tags name_tags;
    struct set_net nets;
    struct tags net_tags;
    struct set_url *patterns, *agents;
    struct tags pattern_tags;
    struct str *pattern_text; /* of each pattern, in the model's arena */
    uint32_t *agent_value;    /* value of each pattern of `agents` */
    uint32_t *category_value; /* number in the index -> value, or NO_VALUE */
    uint32_t n_categories;
    uint16_t *port_class;  /* 65,536: class of a port; NULL when no rule has ports */
    struct tags port_tags; /* of each class */
    struct schedule *schedules;
    size_t n_schedules;
    struct slot slots[SLOTS_MAX];
};

/* The stage at which a part of a key becomes known. */
enum facts_stage snapshot_stage(enum model_key key, unsigned part);

/* A zeroed snapshot, aligned as its slots want it; NULL when out of memory. */
struct snapshot *snapshot_alloc(void);
/* Makes the slots of the first processors, so that no worker does it at its first decision. False
 * when out of memory. */
bool snapshot_warm(struct snapshot *s);
/* A free slot of this snapshot, made on first use: the one of the processor that runs the caller,
 * when it is free, so that it is in its cache. Waits (spins briefly) when all are taken. NULL only
 * when out of memory. */
struct slot *snapshot_slot_take(const struct snapshot *s);
void snapshot_slot_give(struct slot *x);
const struct set_domain *category_index_view(const struct category_index *x);

#endif
