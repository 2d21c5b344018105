/* control: the server side of <state>/control.sock (framing in base/ctl.h): adminui asks for a
 * reload, the state, forgetting a user, a directory test. One thread accepts, each connection is
 * served by a thread of its own, so that a slow directory test holds nobody up. Owner: main;
 * control_stop waits for the threads. Limit: CONTROL_MAX connections at once; only root and the
 * owner of this process may connect (mode 0600 and the peer's uid). Threads: the handlers run on
 * the connection's thread and must be safe for that. */
#ifndef PROXYD_MAIN_CONTROL_H
#define PROXYD_MAIN_CONTROL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

#define CONTROL_MAX 16

/* One verb: takes the request object (borrowed), returns the answer object (given away). */
struct control_verb {
    const char *name;
    json_t *(*handle)(void *ctx, const json_t *request);
};

struct control;

/* Listens on path; a socket left by a dead process is replaced, one of a living process too when
 * it takes over, else that is ERR_EXISTS. verbs ends with a NULL name and lives as long as the
 * control. */
enum err control_start(const char *path, bool takes_over, const struct control_verb *verbs,
                       void *ctx, struct control **out) MUST_CHECK;
void control_stop(struct control *c); /* NULL is fine */

/* {"ok": false, "error": text} */
json_t *control_error(const char *text);

#endif
