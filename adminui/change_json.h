/* change_json: a change on its way, and the watch, as the API shows them. Threads: as the desk. */
#ifndef ADMINUI_CHANGE_JSON_H
#define ADMINUI_CHANGE_JSON_H

#include <jansson.h>

#include "adminui/desk.h"
#include "db/change_rows.h"

/* Pending of openapi.json, with what people said to it and, on trial, its figures. A new object;
 * NULL: out of memory, or the store failed. */
json_t *change_json(struct desk *d, struct arena *a, const struct change *c);

/* Watch of openapi.json: what was published last, its figures, the trial, how much is pending. */
json_t *change_json_watch(struct desk *d, struct arena *a);

#endif
