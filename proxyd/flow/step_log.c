/* step_log: one record for every request that got an answer and for every tunnel; also for those
 * that a client gave up, with status 0 when nothing had been sent. */
#include "proxyd/flow/step_log.h"

#include "proxyd/flow/context.h"
#include "proxyd/flow/entry.h"

enum request_state step_log(struct request *r)
{
    struct record rec;
    if (r->is_offered) {
        entry_settle(r);
        return REQUEST_END;
    }
    if (r->is_silent || entry_is_unwanted(r))
        return REQUEST_END;
    if (r->slim.p) {
        if (record_decode(r->slim, &rec) != OK)
            return REQUEST_END; /* we wrote it ourselves: cannot be */
        rec.status = r->status;
        rec.verdict = r->verdict;
        if (r->effect)
            rec.effect = str_of(r->effect);
    } else {
        entry_fill(r, &rec);
    }
    entry_write(r, &rec);
    return REQUEST_END;
}
