/* lint_cover: what conditions have to do with each other: does one take in all that another does,
 * can both fit one request? Answers "yes" only when it can be shown; "no" means "not shown". Used
 * by lint. Threads: anywhere, read-only on the model. */
#ifndef POLICIES_LINT_COVER_H
#define POLICIES_LINT_COVER_H

#include "policies/model.h"

/* Does every request that has one of b's values of this key have one of a's? */
bool lint_cover_values(enum model_key key, const struct model_values *a,
                       const struct model_values *b);
/* Can no request have a value of a and a value of b? */
bool lint_cover_apart(enum model_key key, const struct model_values *a,
                      const struct model_values *b);
/* Is there, for certain, a request with a value of a and a value of b, as far as this key goes? */
bool lint_cover_meets(enum model_key key, const struct model_values *a,
                      const struct model_values *b);

/* Does a fit whenever b does, by its conditions? (Not by being switched on or not yet over.) */
bool lint_cover_rule(const struct model *m, const struct model_rule *a, const struct model_rule *b);

/* The entries of the lists that v names, when all of them are of this kind: out->v is to be freed.
 * False otherwise, and when out of memory. */
bool lint_cover_entries(const struct model *m, const struct model_values *v,
                        enum model_list_kind kind, struct model_values *out);

/* Bit a key: the keys that a rule has on one side. */
unsigned lint_cover_keys(const struct model_rule *r, enum model_side side);

#endif
