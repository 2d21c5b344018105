/* outcome: what a conversion gives: a policy document in the making, content for categories, and a
 * report with a row for every line that was read.
 * Owner: the caller's storage; outcome_fini frees all and works on a zeroed one.
 * Errors: out of memory is kept in `failed`, so that one look at the end is enough.
 * Limit: OUTCOME_ROWS_MAX rows in the report, then only counted. Threads: one at a time. */
#ifndef CONVERT_OUTCOME_H
#define CONVERT_OUTCOME_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"

#define OUTCOME_ROWS_MAX   20000
#define OUTCOME_INLINE_MAX 12    /* more entries than these become a list of their own */
#define OUTCOME_LIST_MAX   10000 /* more than these become a category */

enum outcome_kind {
    OUTCOME_TRANSLATED, /* says the same in our document */
    OUTCOME_PARTLY,     /* taken over, with a difference that the note tells */
    OUTCOME_DROPPED,    /* nothing of it is in the document; the note says why and what to do */
    OUTCOME_NOT_NEEDED, /* proxyd does this by itself */
    OUTCOME_N_KINDS,
};

struct outcome_row { /* texts are copied; kind and rule are filled in by who reports */
    struct str file;
    unsigned line;
    struct str text;
    enum outcome_kind kind;
    const char *rule; /* id of the rule it became; NULL: none */
};

struct outcome_category {
    struct str name;
    struct buf text; /* a list in mixed plain form: names, host/path, one a line */
    struct buf expressions;
    uint64_t n_entries;
};

struct outcome {
    struct arena arena;
    json_t *document, *rules, *lists, *schedules, *report;
    json_t *upstreams; /* a settings document "upstreams", or NULL: nothing of parent proxies */
    json_t *privacy;   /* {"privacy": mode, "referer": word} for the listeners, or NULL */
    uint64_t n[OUTCOME_N_KINDS];
    uint64_t n_rows_lost;
    struct map names; /* of rules, lists and schedules in use */
    struct outcome_category *categories;
    size_t n_categories;
    bool failed;
};

void outcome_init(struct outcome *o);
void outcome_fini(struct outcome *o);

const char *outcome_kind_name(enum outcome_kind k); /* "translated" ... */

/* The note is a printf format and may be empty. */
void outcome_report(struct outcome *o, const struct outcome_row *row, const char *note, ...)
    __attribute__((format(printf, 3, 4)));

/* A name not used yet, from any text: a-z 0-9 - and _ of it, at most 48 bytes, with a number behind
 * when taken. Lives in the arena. */
const char *outcome_name(struct outcome *o, struct str wish);

/* A rule at the end of the document, enabled, without conditions; its id is made from `name`.
 * Borrowed from the document; NULL when failed. */
json_t *outcome_rule(struct outcome *o, struct str name, const char *action);
const char *outcome_rule_id(const json_t *rule);
/* Switches it off and says in its comment what a person has to do. */
void outcome_rule_off(json_t *rule, const char *why);

/* Adds values (an array of texts; borrowed) to a key of a side ("when", "unless"). On the side
 * "unless" they join what is there; on "when" a key that is there already is only taken when
 * nothing new is asked, else false: two sets cannot both have to fit. */
bool outcome_condition(json_t *rule, const char *side, const char *key, const json_t *values);

/* A list of the document; the name that it got, or NULL. kind: domains, url_patterns, networks.
 * Takes one reference to entries. */
const char *outcome_list(struct outcome *o, struct str wish, const char *kind,
                         json_t *take_entries);
/* A schedule with these windows; takes the reference. */
const char *outcome_schedule(struct outcome *o, struct str wish, json_t *take_windows);

/* The category of this name (made when new); NULL when failed. Its name is one that the store
 * takes. */
struct outcome_category *outcome_category(struct outcome *o, struct str wish);
void outcome_category_add(struct outcome_category *c, struct str entry, bool is_expression);

json_t *outcome_text(struct str s); /* JSON text; bytes that are no UTF-8 become '?' */

#endif
