/* judge: makes the facts of an imagined request out of JSON (a /simulate body or an entry of a
 * policy's tests), as the proxy would see that request: an https URL without a method is judged as
 * the CONNECT a browser sends. Threads: as the call. Borrows: facts live in the given arena. */
#ifndef ADMINUI_JUDGE_H
#define ADMINUI_JUDGE_H

#include <jansson.h>

#include "base/arena.h"
#include "policies/facts.h"

struct judge {
    struct facts facts;
    const char *fault_member; /* when judge_facts says ERR_INVALID: what is wrong, static */
    const char *fault;
};

/* Members: url method user groups client listener time content_type size_bytes user_agent.
 * No user: identity is unknown, unless nobody_when_absent. now_ms when there is no time.
 * ERR_INVALID with fault set, ERR_NOMEM. */
struct judge_ask {
    const json_t *request;
    int64_t now_ms;
    bool nobody_when_absent;
    struct str listener; /* when none is given */
};
enum err judge_facts(const struct judge_ask *ask, struct arena *a, struct judge *out) MUST_CHECK;

#endif
