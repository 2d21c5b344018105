/* api_versions: published versions, the live one, and what changed between two. */
#ifndef ADMINUI_API_VERSIONS_H
#define ADMINUI_API_VERSIONS_H

#include "adminui/call.h"

void api_versions_live(struct call *c);
void api_versions_list(struct call *c);
void api_versions_get(struct call *c);
void api_versions_diff(struct call *c);

#endif
