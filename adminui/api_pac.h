/* api_pac: the PAC file as clients get it, its answer for one URL, and the snippets that roll it
 * out. The settings document itself is api_settings'. */
#ifndef ADMINUI_API_PAC_H
#define ADMINUI_API_PAC_H

#include "adminui/call.h"

void api_pac_file(struct call *c);
void api_pac_test(struct call *c);
void api_pac_deploy_list(struct call *c);
void api_pac_deploy(struct call *c);

#endif
