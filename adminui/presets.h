/* presets: starter policies, readable documents a new installation begins from. The first one is
 * published at first start. Pure. */
#ifndef ADMINUI_PRESETS_H
#define ADMINUI_PRESETS_H

#include "adminui/call.h"

struct preset {
    const char *name, *title, *description;
    const char *document; /* canonical JSON text */
    uint32_t n_rules;
};

const struct preset *presets_at(size_t i); /* NULL after the last */
const struct preset *presets_named(struct str name);

void presets_list(struct call *c); /* GET /presets */

#endif
