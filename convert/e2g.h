/* e2g: the configuration of e2guardian 3 to 5 (e2guardian.conf, e2guardianfN.conf and their lists)
 * as a policy document: each filter group gets its exceptions, then what it bans. Lists that come
 * without any .conf are taken as those of one group for everybody.
 * See: the comments of e2guardian's own configuration files. */
#ifndef CONVERT_E2G_H
#define CONVERT_E2G_H

#include "convert/outcome.h"
#include "convert/upload.h"

/* Is this the name of a file of e2guardian's (configuration or list)? */
bool e2g_is_file(struct str name);

/* ERR_NOMEM. */
enum err e2g_convert(const struct upload *u, struct outcome *o) MUST_CHECK;

#endif
