/* compile_sets: the sets that a request's facts are looked up in: names, networks, patterns,
 * agents, ports, categories; each item carries the values it stands for. Used by compile only. */
#ifndef POLICIES_COMPILE_SETS_H
#define POLICIES_COMPILE_SETS_H

#include "base/report.h"
#include "policies/compile.h"
#include "policies/snapshot_layout.h"

/* The keys are entered already. Faulty patterns are reported with their place in the document.
 * ERR_INVALID, ERR_NOMEM. */
enum err compile_sets_all(struct snapshot *s, const struct compile_input *in,
                          struct report *report) MUST_CHECK;

#endif
