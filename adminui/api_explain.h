/* api_explain: GET /log/{id}/explain, why a recorded request got its answer. */
#ifndef ADMINUI_API_EXPLAIN_H
#define ADMINUI_API_EXPLAIN_H

#include "adminui/call.h"

void api_explain_record(struct call *c);

#endif
