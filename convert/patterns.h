/* patterns: regular expressions of old configurations, which are matched against a part of the
 * URL, as PCRE2 patterns over the whole normal URL (scheme://host[:port]/path, as our url_patterns
 * are). Alternatives at the top become patterns of their own, so that anchors keep their meaning.
 * Pure. Threads: values. */
#ifndef CONVERT_PATTERNS_H
#define CONVERT_PATTERNS_H

#include <jansson.h>

#include "base/str.h"

enum patterns_part {
    PATTERNS_URL,  /* the whole URL */
    PATTERNS_HOST, /* the host alone (dstdom_regex) */
    PATTERNS_PATH, /* path and query (urlpath_regex) */
};

/* Appends one or more patterns. ERR_INVALID: it does not compile, or its anchors stand where the
 * part of a URL cannot be told; why (a static text) then says so. */
enum err patterns_add(struct str regex, enum patterns_part part, json_t *out,
                      const char **why) MUST_CHECK;

#endif
