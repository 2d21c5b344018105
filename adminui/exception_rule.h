/* exception_rule: an exception as a rule of the document: narrow, with owner, reason and end, at
 * the place where it wins. Pure over JSON trees. Threads: safe anywhere. */
#ifndef ADMINUI_EXCEPTION_RULE_H
#define ADMINUI_EXCEPTION_RULE_H

#include <jansson.h>

#include "base/arena.h"

#define EXCEPTION_PREFIX "exception-"

struct exception_ask {
    struct str host, pattern, category; /* exactly one is not empty */
    const char *who;                    /* "users", "groups", "networks"; NULL: everybody */
    json_t *names;                      /* of who */
    struct str reason, owner;
    int64_t now_ms, until_ms;
};

/* A new rule with an id that the document does not have. NULL: out of memory. */
json_t *exception_rule_make(const struct exception_ask *x, const json_t *document);

/* Where it has to stand in a document, from an explained decision ("trace"): before the first rule
 * that is in force, does not allow, and fits or could; behind all when the default blocks. -1:
 * nothing is in its way. */
long exception_rule_place(const json_t *explained, const json_t *document);
/* The same for a whole category, which no single request stands for: before the first rule that
 * does not allow and names it, or names no category and no host at all. */
long exception_rule_place_category(struct str category, const json_t *document);

/* What was done to the rules of `before` to get `after` (rules added, rules changed), done to the
 * draft as well, so that its next publication does not undo it. */
enum err exception_rule_follow(json_t *draft, const json_t *before, const json_t *after) MUST_CHECK;

/* "Allows example.com for alice until 2026-11-24T09:00:00Z, before the rule \"No gambling\"." */
struct str exception_rule_sentence(struct arena *a, const json_t *rule, const json_t *follower);

json_t *exception_rule_find(const json_t *document, struct str id); /* borrowed; NULL: none */
/* Is this rule one that lapses: made here, or with an end? */
bool exception_rule_is(const json_t *rule);
/* The end of a rule in Unix ms; 0: none, or it cannot be read. */
int64_t exception_rule_end(const json_t *rule);

#endif
