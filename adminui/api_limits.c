/* api_limits: a question handed on to proxyd. */
#include "adminui/api_limits.h"

#include "adminui/hand_on.h"

void api_limits_clients(struct call *c)
{
    uint64_t limit = 50;
    if (call_query_number(c, "limit", 1000, &limit))
        hand_on(c, json_pack("{s:s, s:I}", "do", "limits-clients", "limit", (json_int_t)limit),
                "counts");
}
