/* model: a policy document as edited: the JSON of the contract read strictly into plain structs,
 * with every fault reported at once. Nothing is compiled here. Owner: heap, model_free. Borrows:
 * every string lives in the model's arena. Threads: read-only once made. See: the contract's
 * "policy document". */
#ifndef POLICIES_MODEL_H
#define POLICIES_MODEL_H

#include "base/arena.h"
#include "base/report.h"
#include "policies/effects.h"
#include "policies/facts.h"
#include "policies/snapshot.h"
#include "policies/verdict.h"

#define MODEL_RULES_MAX 100000
#define MODEL_DEPTH_MAX 32

enum model_key {
    KEY_USERS,
    KEY_GROUPS,
    KEY_NETWORKS,
    KEY_LISTENERS,
    KEY_SCHEDULES,
    KEY_SCHEMES,
    KEY_METHODS,
    KEY_PORTS,
    KEY_HOSTS,
    KEY_URL_PATTERNS,
    KEY_CATEGORIES,
    KEY_LISTS,
    KEY_CONTENT_TYPES,
    KEY_EXTENSIONS,
    KEY_USER_AGENTS,
    KEY_MIN_BYTES,
    KEY_MAX_BYTES,
    KEY_SERVER_NETWORKS, /* of the address that would be dialled */
    MODEL_N_KEYS,
};

enum model_side { SIDE_WHEN, SIDE_UNLESS, MODEL_N_SIDES };

struct model_values { /* of one key on one side of a rule; n 0: the key is not there */
    struct str
        *v; /* in normal form: hosts normalised, names of users and groups in lower case, ... */
    size_t n;
};

struct model_rule {
    struct str id, name, message, redirect_url, owner, comment;
    bool is_enabled, is_shadow;
    enum verdict_action action;
    enum verdict_log log;
    enum verdict_tls tls;
    int64_t expires_at_ms;   /* 0: never */
    struct effects *effects; /* NULL: none */
    struct model_values cond[MODEL_N_SIDES][MODEL_N_KEYS];
};

enum model_list_kind { LIST_DOMAINS, LIST_URL_PATTERNS, LIST_NETWORKS };

struct model_list {
    struct str name;
    enum model_list_kind kind;
    struct str *v;
    size_t n;
};

struct model_window {
    uint8_t days;              /* bit 0: Monday */
    uint16_t from_min, to_min; /* minutes of the day; to <= from: over midnight; 0..1440 */
};

struct model_schedule {
    struct str name, zone;
    struct model_window *windows;
    size_t n_windows;
};

struct model_test {
    struct str name, url, user, client, method, server;
    struct str *groups;
    size_t n_groups;
    int64_t time_ms; /* 0: now */
    enum verdict_action expect;
};

struct model {
    struct arena arena;
    enum snapshot_identity identity;
    bool limit_blocks; /* a request on which a pattern was given up is blocked */
    enum verdict_action default_action;
    struct str default_message;
    struct model_rule *rules;
    struct model_list *lists;
    struct model_schedule *schedules;
    struct model_test *tests;
    size_t n_rules, n_lists, n_schedules, n_tests;
};

const char *model_key_name(enum model_key k);

/* OK and *out: what could be read; every fault is appended to report, and with one the model serves
 * only to look for more. ERR_INVALID: not JSON at all. ERR_NOMEM. */
enum err model_parse(struct str document, struct report *report, struct model **out) MUST_CHECK;
void model_free(struct model *m); /* NULL is fine */

const struct model_list *model_list_named(const struct model *m, struct str name);

#endif
