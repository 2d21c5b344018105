/* api_exceptions: allow something for somebody for a time in one call: a narrow rule with owner,
 * reason and end, put before the rule that blocks, in the draft or live at once; and what became of
 * those there are. What it opens is shown beforehand from the records of the last day. */
#ifndef ADMINUI_API_EXCEPTIONS_H
#define ADMINUI_API_EXCEPTIONS_H

#include "adminui/call.h"

void api_exceptions_list(struct call *c);
void api_exceptions_make(struct call *c);
void api_exceptions_renew(struct call *c);
void api_exceptions_end(struct call *c);
void api_exceptions_sweep(struct call *c);

#endif
