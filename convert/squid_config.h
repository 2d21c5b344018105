/* squid_config: squid.conf as a row of directives: comments, continued lines, quoted words and
 * includes are dealt with here. Borrows: words point into the upload or the arena.
 * See: the "Configuration file format" part of Squid's documentation. */
#ifndef CONVERT_SQUID_CONFIG_H
#define CONVERT_SQUID_CONFIG_H

#include "base/arena.h"
#include "convert/outcome.h"
#include "convert/upload.h"

#define SQUID_INCLUDES_MAX 16   /* one in another */
#define SQUID_FILES_MAX    2000 /* read in all: a file that includes itself twice grows fast */

struct squid_word {
    struct str text;
    bool is_quoted; /* in an acl: the name of a file with the values */
};

struct squid_directive {
    struct str file;
    unsigned line; /* of its beginning */
    struct str text;
    struct squid_word *words; /* the first is the directive's name */
    size_t n;
};

struct squid_config {
    struct squid_directive *v;
    size_t n, cap;
};

/* Appends what `file` and its includes hold. Includes that are not in the upload are reported.
 * ERR_NOMEM, ERR_LIMIT: too many lines or includes. */
enum err squid_config_read(const struct upload *u, const struct upload_file *file,
                           struct outcome *o, struct squid_config *out) MUST_CHECK;
void squid_config_fini(struct squid_config *c);

#endif
