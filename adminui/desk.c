/* desk: opening and closing. */
#include "adminui/desk.h"

#include <stdlib.h>

#include "base/diag.h"

enum err desk_open(struct app *app, struct desk **out)
{
    char why[STORE_WHY_BYTES] = "";
    struct desk *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->app = app;
    enum err e = policy_store_open(app->store_path, STORE_WRITE, why, &d->store);
    if (e == OK)
        e = event_query_open(app->events_dir, &d->events);
    if (e != OK) {
        diag(DIAG_ERROR, "store", "cannot be opened", "why", why[0] ? why : err_name(e), NULL);
        desk_close(d);
        return e;
    }
    *out = d;
    return OK;
}

void desk_close(struct desk *d)
{
    if (!d)
        return;
    event_query_close(d->events);
    store_close(d->store);
    free(d);
}
