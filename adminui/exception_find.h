/* exception_find: what an exception is to be for, and where in the document it has to stand: a
 * record, a URL, a host or a category is judged by the engine itself. Threads: as the call. */
#ifndef ADMINUI_EXCEPTION_FIND_H
#define ADMINUI_EXCEPTION_FIND_H

#include "adminui/call.h"
#include "adminui/exception_rule.h"
#include "adminui/policy_hold.h"

/* Reads the body (fields are checked) into x. Answers the problem itself when false. */
bool exception_find_read(struct call *c, struct exception_ask *x);

/* The rule's place in the document of ask (parsed: document). -1 and a 409 when nothing is in its
 * way; below -1: another problem is answered. A record without host, url or category gives x its
 * host. */
long exception_find_place(struct call *c, struct exception_ask *x, const struct policy_ask *ask,
                          const json_t *document);

/* A time of the body: "minutes" from now, or "until". */
bool exception_find_until(struct call *c, int64_t now_ms, int64_t *until_ms);

#endif
