/* explain_join: what the store knows added to what the engine explains: the version of the category
 * index, and for the rule that decided the source of each category entry and since when it has it.
 * Used by the handlers that explain. Threads: as the call. */
#ifndef ADMINUI_EXPLAIN_JOIN_H
#define ADMINUI_EXPLAIN_JOIN_H

#include "adminui/call.h"

/* explained: of explain_facts or explain_request; "lists" is set, "source", "source_title" and
 * "since" of conditions are filled, "why" grows by a sentence. What cannot be found stays null. */
void explain_join(struct call *c, json_t *explained);

#endif
