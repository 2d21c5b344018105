/* effects: what a rule does besides its action: how a warning is remembered, how a block may be
 * overridden, a daily allowance, header fields, safe search, a bound on speed, parent proxies. Part
 * of the model's rule; a verdict points at those of the rule that decided. Borrows: texts live in
 * the model's arena. Threads: read-only once compiled. */
#ifndef POLICIES_EFFECTS_H
#define POLICIES_EFFECTS_H

#include "base/str.h"

struct zone;

enum effects_override { EFFECTS_JUSTIFICATION, EFFECTS_PASSWORD };
enum effects_per { EFFECTS_PER_USER, EFFECTS_PER_CATEGORY };
enum effects_safe { EFFECTS_SAFE_OFF, EFFECTS_SAFE_STRICT, EFFECTS_SAFE_MODERATE };

#define EFFECTS_MIN_LENGTH  10 /* of a justification, in characters */
#define EFFECTS_HEADERS_MAX 16

struct effects_header {
    struct str name;
    struct str value; /* p NULL (null or "" in the document): only taken away */
};

/* A quota: at least one bound is not 0. The day begins at midnight of the zone. */
struct effects_quota {
    uint32_t minutes;             /* 0: no bound */
    uint64_t bytes;               /* 0: no bound */
    enum effects_per per;         /* what an account is kept for, besides the user */
    struct str zone_name;         /* of the document */
    struct zone *zone;            /* made by compile, freed with the snapshot */
    const struct str *categories; /* that the rule names in `when` */
    size_t n_categories;
};

struct effects {
    uint32_t remember_minutes; /* of what was accepted; 0: as the settings say */
    enum effects_override by;
    uint32_t min_length;      /* of a justification */
    struct str password_hash; /* PHC string; empty: none fits */
    bool has_override, has_quota;
    struct effects_quota quota;
    const struct effects_header *headers;
    size_t n_headers;
    enum effects_safe safe_search;
    uint64_t limit_bytes_s; /* 0: none */
    struct str upstream; /* parent proxies to go through, or "direct"; empty: as the settings say */
};

/* Those of a rule that names none. */
extern const struct effects effects_none;

const char *effects_override_name(enum effects_override o); /* "justification" ... */
const char *effects_per_name(enum effects_per p);           /* "user" ... */
const char *effects_safe_name(enum effects_safe s);         /* "off" ... */

#endif
