/* snapshot_layout: the inside of a sealed policy, for compile, match, who, decide and explain only.
 *
 * Every condition of every rule is an entry (value) of a key. Per key there is a table of its
 * distinct values; per value and side the set of rules that name it. A request is matched once per
 * key (which of the values does it have?), giving hits; the rules are then judged 64 at a time from
 * bit sets. So the cost grows with the number of hits and of words, never with rules times
 * conditions.
 *
 * What depends only on who asks (users, groups, networks, listeners, schedules, expiry) is the same
 * from request to request: it is worked out once for an origin and kept in the slot as two bit sets
 * of rules (`who`). The other keys are the request's own; their bits lie together word by word, so
 * that a word is judged from one or two cache lines.
 *
 * Most words hold no rule that can fit, so they are not looked at: each rule has one key of its
 * `when` that leads to it (the one that fits least often), or its who part leads to it, and only
 * words that a hit, or a part not yet known, of a leading key leads to, and that hold a rule for
 * this origin, are judged.
 *
 * A key may have parts that become known at different stages (a list of URL patterns is known later
 * than a list of names); has_part tells which rules have a value in a part. */
#ifndef POLICIES_SNAPSHOT_LAYOUT_H
#define POLICIES_SNAPSHOT_LAYOUT_H

#include <stdatomic.h>

#include "base/map.h"
#include "policies/model.h"
#include "policies/schedule.h"
#include "policies/category.h"
#include "policies/set_name.h"
#include "policies/set_net.h"
#include "policies/set_url.h"

#define PARTS_MAX  3
#define SLOTS_MAX  64
#define NO_VALUE   UINT32_MAX
#define FIT_LEADS  0x80000000u /* in the number of a rule: this value leads to it */
#define DENSE_MAX  16          /* dense fits of one key that are kept at hand */
#define LEADS_MAX  32          /* dense sets of leads that are kept at hand */
#define ACTIVE_MAX (MODEL_N_SIDES * MODEL_N_KEYS)

/* Not zeroed at every call although the build zeroes locals: written before it is read. */
#define UNZEROED __attribute__((uninitialized))

struct fit {        /* the rules that name a value on one side */
    uint32_t first; /* in key_table.rules, ascending */
    uint32_t n;
    uint64_t *dense; /* instead of rules, when there are many */
    uint64_t *leads; /* of a dense one: the rules that this value leads to; NULL: none */
    uint64_t *words; /* and the words they are in */
};

struct key_table {
    struct map ids; /* text of the value -> id + 1 */
    struct str *text;
    uint8_t *part; /* of each value */
    struct fit *fit[MODEL_N_SIDES];
    uint32_t *rules[MODEL_N_SIDES]; /* of all fits that are not dense */
    uint32_t n, cap;
    uint64_t *bound[MODEL_N_SIDES];               /* rules with this key on this side */
    uint64_t *has_part[MODEL_N_SIDES][PARTS_MAX]; /* NULL: none */
    bool is_used[MODEL_N_SIDES];
    uint64_t *part_leads[PARTS_MAX]; /* rules that this key leads to by such a part; NULL: none */
    uint64_t *part_words[PARTS_MAX]; /* and the words they are in */
};

enum tag_need { TAG_DEFAULT_PORT = 1, TAG_WHOLE_HOST = 2 };

struct tag { /* what an item of a set (a name, a network, a pattern) stands for */
    uint8_t key;
    uint8_t needs; /* enum tag_need, bits: of a name that was written as a pattern */
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

/* A key of the request that some rule has on one side; its place is the column of its bits. */
struct column {
    uint8_t key, side;
};

struct active {          /* a column during one decision */
    bool is_plain;       /* none of the below: a rule fits it that is not bound by it */
    bool has_sparse;     /* bits in acc */
    bool has_more_dense; /* than fit below: walk all hits */
    uint8_t n_maybe, n_dense;
    const uint64_t *maybe[PARTS_MAX]; /* has_part of the unknown parts */
    const uint64_t *dense[DENSE_MAX]; /* of hits whose rules are a dense set */
};

#define WHO_LISTS_MAX 6

struct who_key { /* an origin */
    uint64_t person[2];
    struct ip client;
    uint32_t listener;  /* value, or NO_VALUE */
    uint32_t schedules; /* the slot's number when it was made */
    uint8_t state;      /* enum who_state; 0: empty */
};

struct who { /* an origin and what it means */
    _Alignas(64) struct who_key key;
    int64_t from_ms, until_ms; /* holds between two rules' ends */
    uint64_t *todo;            /* words that the who part itself leads to */
    uint64_t *any;             /* words with a rule in maybe */
    uint64_t *yes, *maybe; /* rules whose who part fits; fits or still may: the same set when all
                              of it is known */
    uint64_t *own_maybe;   /* room for maybe */
    uint32_t n_lists;
    uint32_t lists[WHO_LISTS_MAX]; /* values of KEY_LISTS that the client's address hits */
};

struct slot { /* scratch of one decision at a time; on cache lines of its own */
    _Alignas(128) atomic_bool is_taken;
    bool is_made;
    uint32_t epoch;
    struct hit_list hits[MODEL_N_KEYS];
    uint64_t *acc; /* a row a word: bits of sparse fits, cleared after use */
    struct active active[ACTIVE_MAX];
    struct set_url_scratch *patterns, *agents;
    bool is_given_up; /* a pattern ran into its limit on this request */
    struct category_scratch *expressions;
    unsigned unknown_parts[MODEL_N_KEYS]; /* bit a part */
    struct set_domain_hits categories;
    struct set_name_probe names;
    int64_t minute;     /* for which `inside` holds; -1: none */
    bool *inside;       /* of each schedule */
    uint32_t schedules; /* another number whenever `inside` has changed */
    uint64_t *todo;     /* words to judge */
    uint64_t *lead;     /* rules that sparse hits lead to; cleared after use */
    const uint64_t *leads[LEADS_MAX];
    unsigned n_leads;
    bool is_lead_full; /* more than fit in leads: they are in lead, which is cleared whole */
    uint64_t *bits;    /* n_words, for who */
    struct who *who;
    uint64_t *who_bits; /* of all of them, who_stride words each */
    uint32_t *who_tag;  /* of each origin kept; 0: free */
    size_t who_stride;
    struct who_key asked; /* of this decision */
    uint32_t asked_tag;
    uint32_t who_mask;           /* number of origins kept, less one */
    struct who *current;         /* of this decision */
    struct category_entry entry; /* for evidence */
};

struct snapshot {
    atomic_uint n_refs;
    uint64_t version;
    struct model *model;
    struct category_index *index;      /* may be NULL */
    uint32_t n_rules, n_words, n_todo; /* n_todo: words of a bit set of words */
    struct key_table keys[MODEL_N_KEYS];
    uint8_t used[MODEL_N_KEYS]; /* keys that some rule has */
    unsigned n_used;
    uint8_t needs[MODEL_N_KEYS][PARTS_MAX]; /* FACTS_BIT of the stage of a part */
    struct column column[ACTIVE_MAX];       /* those of `when` first */
    unsigned n_columns, n_when;
    unsigned n_row;      /* columns of a row, so many that a row is whole cache lines */
    uint64_t *bound;     /* a row a word, on a cache line */
    uint64_t *who_leads; /* rules that their who part leads to */
    uint64_t *enabled, *shadow;
    uint32_t *effect;   /* of each rule and, last, of the default: equal numbers do the same */
    uint32_t *expiring; /* rules with an end */
    uint32_t n_expiring;
    uint64_t seed; /* of digests of persons */

    struct set_name names; /* of hosts and of lists of domains */
    struct tags name_tags;
    struct set_net nets;
    struct tags net_tags;
    struct set_net server_nets;
    struct tags server_net_tags;
    struct set_url *patterns, *agents;
    struct tags pattern_tags;
    struct str *pattern_text; /* of each pattern, in the model's arena */
    struct str *host_pattern; /* patterns that became names, in the model's arena */
    uint32_t n_host_patterns;
    uint32_t *agent_value;    /* value of each pattern of `agents` */
    uint32_t *category_value; /* number in the index -> value, or NO_VALUE */
    uint32_t n_categories;
    bool has_expressions;     /* of a category that some rule names */
    uint32_t scheme_value[3]; /* http, https, connect; or NO_VALUE */
    uint16_t *port_class;     /* 65,536: class of a port; NULL when no rule has ports */
    struct tags port_tags;    /* of each class */
    struct schedule *schedules;
    size_t n_schedules;
    struct slot slots[SLOTS_MAX];
};

/* The stage at which a part of a key becomes known. */
enum facts_stage snapshot_stage(enum model_key key, unsigned part);
/* Does the key depend on who asks, and from where and when, alone? */
bool snapshot_is_who(enum model_key key);

/* Zeroed rows of n_row for all words, on cache lines; NULL when out of memory. */
uint64_t *snapshot_rows(const struct snapshot *s);
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

#endif
