/* upstream_names: rules that name a group of parent proxies which the settings do not have.
 * Policies and settings are stored apart, so neither refuses the other; a request such a rule lets
 * through gets a 500. Threads: the worker's that serves the call. */
#ifndef ADMINUI_UPSTREAM_NAMES_H
#define ADMINUI_UPSTREAM_NAMES_H

#include <jansson.h>

#include "adminui/call.h"

/* Appends {"pointer", "code": "unknown-upstream", "message"} for each such rule of the document to
 * warnings. Nothing when the settings cannot be read. */
void upstream_names_warn(struct call *c, struct str document, json_t *warnings);

#endif
