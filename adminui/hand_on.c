/* hand_on: ask, unwrap, answer. */
#include "adminui/hand_on.h"

#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"

#define ASK_MS 5000

void hand_on(struct call *c, json_t *take_question, const char *what)
{
    json_t *answer = NULL;
    enum err e = proxy_link_ask(c->app, take_question, ASK_MS, &answer);
    if (e != OK) {
        problem_reply(c, PROBLEM_PROXY_DOWN, "%s; %s are kept there.", proxy_link_why(e), what);
        return;
    }
    bool is_ok = json_is_true(json_object_get(answer, "ok"));
    json_object_del(answer, "ok");
    if (is_ok) {
        reply_json(c, 200, answer);
        return;
    }
    const char *why = json_string_value(json_object_get(answer, "error"));
    problem_reply(c, PROBLEM_PROXY_DOWN, "proxyd says: %s.", why ? why : "no");
    json_decref(answer);
}
