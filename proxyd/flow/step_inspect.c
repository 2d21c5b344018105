/* step_inspect: the verdict depends on what is inside a tunnel. TLS is not opened: the URL of a
 * CONNECT is and stays its authority, which is told to the policy as the whole truth, so that rules
 * about paths do not fit. Opening it will happen here, with proxyd/tls. */
#include "proxyd/flow/step_inspect.h"

#include "proxyd/flow/context.h"

enum request_state step_inspect(struct request *r)
{
    r->k->facts.known |= FACTS_BIT(FACTS_URL) | FACTS_BIT(FACTS_ANSWER) | FACTS_BIT(FACTS_CONTENT);
    return REQUEST_DECIDE;
}
