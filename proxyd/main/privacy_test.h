/* privacy_test: proxyd sends itself a request with everything that could tell of a client, through
 * a listener and the way of all requests, to an echo socket it has opened for this one request, and
 * judges what came out (wire/leak). How the request may reach loopback although the guard lets
 * nobody: flow/probe.h. Both ends are served by the thread that was asked, in turn; nothing else is
 * held up, and all is over within a few seconds.
 * Covered: the heads of a GET and of a POST with a body and of their answers; what a parent proxy
 * is told of a CONNECT, its PROXY line included (the echo is the parent of that one request); the
 * addresses and ports seen. Not covered: what lies in a tunnel (nothing there is ours), what parent
 * proxies add themselves, what a rule's set_headers adds (no rule judges the request), and what a
 * browser tells by itself.
 */
#ifndef PROXYD_MAIN_PRIVACY_TEST_H
#define PROXYD_MAIN_PRIVACY_TEST_H

#include <jansson.h>

/* {"do": "privacy-test", "listener": "127.0.0.1:3128"}; listener left out: the first. Answers with
 * the mode, each field sent and seen, what it tells, and whether the promise is kept. */
json_t *privacy_test(void *ctx, const json_t *request);

/* Of each proxy listener its mode and who has said it, for the status. */
json_t *privacy_status(void *ctx);

#endif
