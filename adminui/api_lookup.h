/* api_lookup: which categories a host (or URL) is in, and by which entries, from the index that
 * proxyd uses. */
#ifndef ADMINUI_API_LOOKUP_H
#define ADMINUI_API_LOOKUP_H

#include "adminui/call.h"

void api_lookup_host(struct call *c);

#endif
