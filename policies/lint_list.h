/* lint_list: the findings of lint while they are made. Used by the lint modules only. */
#ifndef POLICIES_LINT_LIST_H
#define POLICIES_LINT_LIST_H

#include "policies/snapshot_layout.h"

enum lint_kind { /* in the order they are told in for one rule */
                 LINT_NEVER,
                 LINT_EXPIRED,
                 LINT_UNKNOWN_CATEGORY,
                 LINT_SHADOWED,
                 LINT_DUPLICATE,
                 LINT_REDUNDANT,
                 LINT_CONFLICT,
                 LINT_EMPTY_LIST,
                 LINT_IDLE,
                 LINT_UNTESTED,
                 LINT_UNUSED_LIST,
                 LINT_UNUSED_SCHEDULE,
                 LINT_NO_TESTS,
                 LINT_N_KINDS,
};

struct lint_finding {
    enum lint_kind kind;
    int rule, other; /* index, -1: none */
    char *pointer;   /* NULL: none */
    char *text;
};

struct lint_place {
    int rule, other;     /* -1: none */
    const char *pointer; /* below the rule ("/when/lists") or, without one, whole; NULL: none */
};

struct lint_list {
    struct lint_finding *v;
    size_t n, cap;
    bool is_cut; /* more was found than is kept, or the search was ended */
    bool failed; /* out of memory */
};

enum lint_life {
    LINT_LIVES,
    LINT_CANNOT, /* off, over, or fits nothing: it would change nothing if it were gone */
    LINT_TAKEN,  /* an earlier rule leaves it nothing */
};

/* What the search knows of the rules. */
struct lint_view {
    const struct snapshot *s;
    int64_t now_ms;
    uint8_t *life; /* of each rule: enum lint_life */
    struct lint_list *list;
};

void lint_list_add(struct lint_list *l, enum lint_kind kind, const struct lint_place *at,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
void lint_list_fini(struct lint_list *l);
void lint_list_sort(struct lint_list *l); /* by rule, then by kind; those of no rule last */

const char *lint_kind_name(enum lint_kind k);     /* "never" ... */
const char *lint_kind_severity(enum lint_kind k); /* "error" "warning" "hint" */

/* A rule as a person calls it: its name in quotes, else its id; at most 80 bytes of it. buf is
 * written and returned. */
#define LINT_NAME_MAX 120
const char *lint_name(const struct model_rule *r, char buf[LINT_NAME_MAX]);

#endif
