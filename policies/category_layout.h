/* category_layout: the inside of a category_index, for category and category_entry only. Either one
 * file of all lists (`main`), or what was entered by hand (`local`) over another one (`under`). */
#ifndef POLICIES_CATEGORY_LAYOUT_H
#define POLICIES_CATEGORY_LAYOUT_H

#include <stdatomic.h>

#include "policies/category.h"
#include "policies/set_url.h"

struct category_index {
    atomic_uint n_refs;
    uint32_t n; /* categories */
    struct category_file file;

    struct set_domain main; /* base NULL: this one covers another */
    void *copy;             /* of the filter; NULL: none */
    size_t copy_bytes;
    struct set_url *patterns; /* NULL: no expressions */
    uint32_t *expression;     /* of each pattern, its place in the file */
    bool *has_expressions;    /* of each category */

    struct set_domain local; /* base NULL: a file of all lists */
    struct category_index *under;
    uint16_t *number; /* of each category of local, among all */
    uint16_t *extra;  /* categories of local that are not in under, in order */
};

/* The index of all lists; NULL when there is none. */
const struct category_index *category_main(const struct category_index *x);

#endif
