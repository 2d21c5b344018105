/* compile_patterns: the URL patterns of a document, of its rules and of its lists: those that only
 * name hosts become names, the others a set; each fault is told at every place of the document
 * where the pattern stands. Used by compile_sets only. */
#ifndef POLICIES_COMPILE_PATTERNS_H
#define POLICIES_COMPILE_PATTERNS_H

#include "base/report.h"
#include "policies/compile.h"
#include "policies/snapshot_layout.h"

/* Makes the names (with the patterns that are names) and the patterns. ERR_INVALID, ERR_NOMEM. */
enum err compile_patterns(struct snapshot *s, const struct compile_input *in,
                          struct report *report) MUST_CHECK;

#endif
