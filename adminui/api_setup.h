/* api_setup: the first-run wizard: is it still to be done, and its end. */
#ifndef ADMINUI_API_SETUP_H
#define ADMINUI_API_SETUP_H

#include "adminui/call.h"

void api_setup_get(struct call *c);
void api_setup_post(struct call *c);
void api_setup_done(struct call *c); /* after the commit */

#endif
