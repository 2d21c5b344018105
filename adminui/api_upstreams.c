/* api_upstreams: a question handed on to proxyd. */
#include "adminui/api_upstreams.h"

#include "adminui/hand_on.h"

void api_upstreams_list(struct call *c)
{
    hand_on(c, json_pack("{s:s}", "do", "upstreams"), "their states");
}
