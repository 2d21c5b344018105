/* api_listeners: the ports clients come in by, what requests of each tell, and the test that shows
 * it. Both are read from proxyd; the modes themselves are settings, or the bootstrap file's. */
#ifndef ADMINUI_API_LISTENERS_H
#define ADMINUI_API_LISTENERS_H

#include "adminui/call.h"

void api_listeners_get(struct call *c);
void api_listeners_privacy_test(struct call *c);
void api_listeners_privacy_tested(struct call *c);

#endif
