/* desk: the databases as one thread uses them: policy.db for writing, the day files for reading.
 * Owner: desk_open/close. Threads: one desk, one thread. */
#ifndef ADMINUI_DESK_H
#define ADMINUI_DESK_H

#include "adminui/app.h"
#include "db/event_query.h"
#include "db/policy_store.h"

struct desk {
    struct app *app;
    struct store *store;
    struct event_reader *events;
};

enum err desk_open(struct app *app, struct desk **out) MUST_CHECK;
void desk_close(struct desk *d); /* NULL is fine */

#endif
