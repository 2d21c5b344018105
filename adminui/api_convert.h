/* api_convert: POST /convert, an old configuration as a document of ours. */
#ifndef ADMINUI_API_CONVERT_H
#define ADMINUI_API_CONVERT_H

#include "adminui/call.h"

void api_convert_post(struct call *c);

#endif
