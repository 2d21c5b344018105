/* compile_items: the distinct entries of one set (names, networks, patterns), numbered, each with
 * the condition values it stands for. Used by compile_sets and compile_patterns only.
 * Owner: caller's storage: map_init on ids of a zeroed one, compile_items_fini. Borrows: the texts.
 */
#ifndef POLICIES_COMPILE_ITEMS_H
#define POLICIES_COMPILE_ITEMS_H

#include "policies/compile_keys.h"

struct compile_items {
    struct map ids;
    struct str *text;
    uint32_t n, cap;
    struct tag_rows rows;
};

void compile_items_fini(struct compile_items *x);
/* *id gets the number of the text. ERR_NOMEM. */
enum err compile_items_add(struct compile_items *x, struct str text, struct tag tag,
                           uint32_t *id) MUST_CHECK;
/* Every value of a key. ERR_NOMEM. */
enum err compile_items_values(const struct snapshot *s, struct compile_items *x,
                              enum model_key key) MUST_CHECK;
/* And every entry of the lists of a kind that some rule names. ERR_NOMEM. */
enum err compile_items_collect(const struct snapshot *s, struct compile_items *x,
                               enum model_key key, enum model_list_kind kind) MUST_CHECK;

#endif
