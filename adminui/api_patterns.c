/* api_patterns: one question to proxyd. */
#include "adminui/api_patterns.h"

#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"
#include "policies/pattern_usage.h"

#define ASK_MS 10000

void api_patterns_list(struct call *c)
{
    uint64_t limit = 200;
    json_t *answer = NULL;
    if (!call_query_number(c, "limit", PATTERN_USAGE_MAX, &limit))
        return;
    json_t *ask = json_pack("{s:s,s:I}", "do", "patterns", "limit", (json_int_t)limit);
    enum err e = proxy_link_ask(c->app, ask, ASK_MS, &answer);
    const char *why = json_string_value(json_object_get(answer, "error"));
    if (e == OK && json_is_true(json_object_get(answer, "ok"))) {
        json_object_del(answer, "ok");
        reply_json(c, 200, answer);
        return;
    }
    problem_reply(c, PROBLEM_PROXY_DOWN, "%s; it counts what patterns cost.",
                  e == OK ? (why ? why : "proxyd answered nothing") : proxy_link_why(e));
    json_decref(answer);
}
