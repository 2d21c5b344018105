/* api_entries: what a category holds, who brought it and since when; entries added and taken away
 * by hand, which are live when the call answers. */
#ifndef ADMINUI_API_ENTRIES_H
#define ADMINUI_API_ENTRIES_H

#include "adminui/call.h"

void api_entries_list(struct call *c);
void api_entries_sources(struct call *c);
void api_entries_change(struct call *c);
void api_entries_changed(struct call *c); /* after the commit: built and handed to proxyd */

#endif
