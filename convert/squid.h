/* squid: a squid.conf as a policy document: ACLs become conditions, http_access and
 * http_reply_access lines become rules in their order, and each other directive gets a word about
 * where its subject lives here. See: Squid's documentation of acl and http_access. */
#ifndef CONVERT_SQUID_H
#define CONVERT_SQUID_H

#include "convert/outcome.h"
#include "convert/upload.h"

/* `main`: the squid.conf itself. ERR_NOMEM, ERR_LIMIT. */
enum err squid_convert(const struct upload *u, const struct upload_file *main,
                       struct outcome *o) MUST_CHECK;

#endif
