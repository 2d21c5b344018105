/* api_listeners: questions handed on to proxyd. */
#include "adminui/api_listeners.h"

#include "adminui/fields.h"
#include "adminui/hand_on.h"
#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"

#define TEST_MS 15000

void api_listeners_get(struct call *c)
{
    hand_on(c, json_pack("{s:s}", "do", "privacy"), "listeners");
}

/* A listener that does not let the test through is an answer, too: the person wants to read why. */
static void reply_test(struct call *c, json_t *answer)
{
    bool is_ok = json_is_true(json_object_get(answer, "ok"));
    const char *why = json_string_value(json_object_get(answer, "error"));
    json_object_del(answer, "ok");
    if (is_ok)
        reply_json(c, 200, json_incref(answer));
    else if (json_is_true(json_object_get(answer, "unknown")))
        problem_reply_fault(c, "/listener", "unknown-listener",
                            "proxyd has no such listener for requests.");
    else
        problem_reply(c, PROBLEM_PROXY_DOWN, "The test could not be done: %s.", why ? why : "no");
}

static struct str listener_of(const struct call *c)
{
    return c->json ? fields_str(c->json, "listener", (struct str){0}) : (struct str){0};
}

/* Written down first, done after the commit: proxyd is not waited for inside a transaction. */
void api_listeners_privacy_test(struct call *c)
{
    static const struct field fields[] = {{"listener", FIELD_STR, false, false, 1, 80}};
    if (c->json && !fields_check(c, fields, 1))
        return;
    call_audit(c, listener_of(c).n ? listener_of(c) : STR("the first listener"), NULL, NULL);
    reply_empty(c, 204);
}

void api_listeners_privacy_tested(struct call *c)
{
    json_t *answer = NULL;
    json_t *ask = json_pack("{s:s}", "do", "privacy-test");
    if (listener_of(c).n)
        json_object_set_new(ask, "listener", reply_str(listener_of(c)));
    enum err e = proxy_link_ask(c->app, ask, TEST_MS, &answer);
    if (e != OK)
        problem_reply(c, PROBLEM_PROXY_DOWN, "The test is done by proxyd: %s.", proxy_link_why(e));
    else
        reply_test(c, answer);
    json_decref(answer);
}
