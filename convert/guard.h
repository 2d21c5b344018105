/* guard: a squidGuard.conf as a policy document. Each source gets its rules in the order of its
 * `pass`, then the next; `default` comes last and becomes rules for everybody and the default. */
#ifndef CONVERT_GUARD_H
#define CONVERT_GUARD_H

#include "convert/outcome.h"
#include "convert/upload.h"

enum guard_role {
    GUARD_DECIDES, /* alone: what it passes is allowed */
    GUARD_FILTERS, /* in front of the rules of a squid.conf, which still have to allow: only what it
                      blocks becomes rules, and what it passes first is an exemption of them */
};

/* ERR_NOMEM. */
enum err guard_convert(const struct upload *u, const struct upload_file *main, enum guard_role role,
                       struct outcome *o) MUST_CHECK;

#endif
