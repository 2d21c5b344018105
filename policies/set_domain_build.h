/* set_domain_build: the making of an index; its functions are declared in policies/set_domain.h,
 * where callers look. This header only keeps the module's pair. */
#ifndef POLICIES_SET_DOMAIN_BUILD_H
#define POLICIES_SET_DOMAIN_BUILD_H

#include "policies/set_domain.h"

#endif
