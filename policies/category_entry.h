/* category_entry: which entry put a host or a URL into a category; its function is declared in
 * policies/category.h, where callers look. This header only keeps the module's pair. */
#ifndef POLICIES_CATEGORY_ENTRY_H
#define POLICIES_CATEGORY_ENTRY_H

#include "policies/category.h"

#endif
