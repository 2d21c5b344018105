/* subscription_diff: what a person wants to see before new content of a subscription is let in: the
 * first names that would go and come, and suffixes (such as co.uk) under which half of a country
 * would fall. Run on the jobs thread, by job_subscription. */
#ifndef ADMINUI_SUBSCRIPTION_DIFF_H
#define ADMINUI_SUBSCRIPTION_DIFF_H

#include <jansson.h>

#include "db/list_import.h"

#define SUBSCRIPTION_DIFF_SHOWN 20

/* The import against what the origin has in the store, into `into`: examples_added and
 * examples_removed, at most SUBSCRIPTION_DIFF_SHOWN each. ERR_NOMEM, ERR_CORRUPT. */
enum err subscription_diff_examples(struct store *s, const struct list_import *im,
                                    struct str origin, json_t *into) MUST_CHECK;

/* The first name of the import that is such a suffix; empty: none. Static text. */
struct str subscription_diff_suffix(const struct list_import *im);

#endif
