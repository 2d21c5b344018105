/* subscriber: a few threads that fetch lists when they are due and hand what came to the jobs. A
 * server that hangs takes one of them for a bounded time and holds up nothing else.
 * Owner: open/close. Threads: its own; the calls from any. */
#ifndef ADMINUI_SUBSCRIBER_H
#define ADMINUI_SUBSCRIBER_H

#include "adminui/app.h"

struct subscriber;

enum err subscriber_open(struct app *app, struct subscriber **out) MUST_CHECK;
void subscriber_close(struct subscriber *s); /* NULL is fine; breaks off a fetch */

/* Something is due that was not: look again. id: fetch this one now, whatever its time; 0: none. */
void subscriber_kick(struct subscriber *s, uint64_t id);

#endif
