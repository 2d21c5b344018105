/* explain: one request judged by the engine itself, with every rule's part in it, as JSON for
 * people and pages. The verdict comes from policy_decide; the trace is made from the same hits.
 * Threads: any number at once on one snapshot. Slow (it speaks of every rule): not for the hot
 * path. */
#ifndef POLICIES_EXPLAIN_H
#define POLICIES_EXPLAIN_H

#include <jansson.h>

#include "base/report.h"
#include "policies/decide.h"

/* {"action", "is_final", "rule", "rule_name", "index", "version", "categories", "needs", "message",
 * "redirect_url", "log", "tls", "shadow", "effects" (null or as effects_json says), "why": the
 * answer in a sentence or two, "trace": [{"index", "id", "name", "action", "enabled", "shadow",
 * "fit", "decided", "needs", "conditions": [{"side", "key", "fit", "value", "entry", "source",
 * "source_title", "since", "path", "text"}], "text"}], "flip": see flip.h}. Where the entry of a
 * category comes from is null here: the store knows it. A new object for the caller; NULL when out
 * of memory. */
json_t *explain_facts(const struct snapshot *s, const struct facts *f);
/* The same; is_used_up: the allowance of the rule that decides was. */
json_t *explain_spent(const struct snapshot *s, const struct facts *f, bool is_used_up);

/* A request as people describe it: {"url" (http, https or host:port), "method", "user", "groups",
 * "client", "listener", "time", "content_type", "size_bytes", "user_agent", "server" (the address
 * of a name; not known when it is not given)}; unknown members are faults. The answer of
 * explain_facts with "url" and "host" (normal forms). A user that is not given is nobody; an answer
 * that is not described has no type and size. ERR_INVALID with report (appended to), ERR_NOMEM. */
enum err explain_request(const struct snapshot *s, const json_t *request, int64_t now_ms,
                         struct report *report, json_t **out) MUST_CHECK;

/* The document's own tests: [{"name", "passed", "expected", "got", "rule", "message"}]. NULL when
 * out of memory. *all_passed may be NULL. */
json_t *explain_tests(const struct snapshot *s, int64_t now_ms, bool *all_passed);

#endif
