/* hand_on: a question to proxyd whose answer is the call's answer. For what proxyd alone knows.
 * Threads: the worker's that serves the call. */
#ifndef ADMINUI_HAND_ON_H
#define ADMINUI_HAND_ON_H

#include <jansson.h>

#include "adminui/call.h"

/* Answers with what proxyd says, less its "ok"; 503 when it does not answer or says no. what: what
 * is kept there, for the sentence, as "balances". */
void hand_on(struct call *c, json_t *take_question, const char *what);

#endif
