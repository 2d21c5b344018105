/* request_facts: a request as people describe it (JSON) turned into facts, all stages known. Used
 * by explain (tester, policy tests). Owner: caller's storage; request_facts_fini works after a
 * failed init. Borrows: facts point into the struct's arena. */
#ifndef POLICIES_REQUEST_FACTS_H
#define POLICIES_REQUEST_FACTS_H

#include <jansson.h>

#include "base/arena.h"
#include "base/report.h"
#include "policies/facts.h"

struct request_facts {
    struct arena arena;
    struct facts facts;
    struct str *groups;
};

/* ERR_INVALID with faults appended to report; ERR_NOMEM. */
enum err request_facts_init(struct request_facts *q, const json_t *request, int64_t now_ms,
                            struct report *report) MUST_CHECK;
void request_facts_fini(struct request_facts *q);

#endif
