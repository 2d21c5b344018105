/* presets: the starter policies (policies/starter/) over the API, and what publishing one needs to
 * know of it. Pure. */
#ifndef ADMINUI_PRESETS_H
#define ADMINUI_PRESETS_H

#include "adminui/call.h"
#include "policies/starter.h"

uint32_t presets_n_rules(const struct starter *s);

void presets_list(struct call *c); /* GET /presets */

#endif
