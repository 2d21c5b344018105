/* model_values: the entries of conditions and lists, each brought into its normal form while it is
 * read, so that compiling and explaining see one spelling. Used by model only. */
#ifndef POLICIES_MODEL_VALUES_H
#define POLICIES_MODEL_VALUES_H

#include "policies/model.h"
#include "policies/reader.h"

/* Reads one side of a rule ("when" or "unless") into its values. */
void model_values_read(struct reader *r, const json_t *conditions,
                       struct model_values out[MODEL_N_KEYS]);

/* The entries of a list of this kind. */
void model_values_list(struct reader *r, const json_t *entries, struct model_list *out);

/* "443" or "8000-8999". */
bool model_values_port(struct str s, uint16_t *from, uint16_t *to);

#endif
