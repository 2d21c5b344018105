/* policy_tests: runs the tests a policy document carries, on the engine itself. */
#ifndef ADMINUI_POLICY_TESTS_H
#define ADMINUI_POLICY_TESTS_H

#include "adminui/call.h"
#include "policies/snapshot.h"

/* Array of TestResult (openapi.json). */
json_t *policy_tests_run(struct call *c, struct str document, const struct snapshot *s,
                         bool *all_passed);

#endif
