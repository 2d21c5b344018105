/* compile_keys: the tables of keys in the making: values interned, rules entered under them, sealed
 * into fits and bit sets. Used by compile only. */
#ifndef POLICIES_COMPILE_KEYS_H
#define POLICIES_COMPILE_KEYS_H

#include "policies/snapshot_layout.h"

/* The number of a value, entered when it is new. part: enum order of snapshot_stage. ERR_NOMEM. */
enum err compile_keys_value(struct key_table *k, struct str text, unsigned part,
                            uint32_t *id) MUST_CHECK;

/* Enters every condition of every rule and makes fits, bound and has_part. part_of tells the part
 * of a value of a key. ERR_NOMEM. */
enum err compile_keys_all(struct snapshot *s,
                          unsigned (*part_of)(const struct model *m, enum model_key key,
                                              struct str value)) MUST_CHECK;

/* Tags collected in any order, then sealed by item. */
struct tag_row {
    uint32_t item;
    struct tag tag;
};
struct tag_rows {
    struct tag_row *v;
    size_t n, cap;
};
enum err compile_keys_tag(struct tag_rows *rows, uint32_t item, struct tag tag) MUST_CHECK;
enum err compile_keys_seal_tags(struct tag_rows *rows, uint32_t n_items,
                                struct tags *out) MUST_CHECK; /* frees rows */

#endif
