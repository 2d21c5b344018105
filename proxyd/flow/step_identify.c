/* step_identify: who is it? */
#include "proxyd/flow/step_identify.h"

#include "proxyd/flow/context.h"

void step_identify_cancel(struct request *r)
{
    (void)r;
}

enum request_state step_identify(struct request *r)
{
    return request_refuse(r, FAULT_IDENTITY_DOWN);
}
