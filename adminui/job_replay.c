/* job_replay: from the order to replay_run and back. */
#include "adminui/job_replay.h"

#include "adminui/replay_run.h"
#include "adminui/reply.h"

static int64_t number(const json_t *ask, const char *name)
{
    return json_integer_value(json_object_get(ask, name));
}

enum err job_replay(struct desk *d, const struct job_order *order, const struct job_pulse *pulse,
                    char why[STORE_WHY_BYTES], json_t **result)
{
    const json_t *ask = order->take_ask;
    const json_t *document = json_object_get(ask, "document");
    struct replay_ask r = {.document =
                               str_make(json_string_value(document), json_string_length(document)),
                           .version = (uint64_t)number(ask, "version"),
                           .revision = (uint64_t)number(ask, "revision"),
                           .from_ms = number(ask, "from_ms"),
                           .to_ms = number(ask, "to_ms")};
    enum err e = replay_run(d->app, &r, pulse, why, result);
    if (e != OK)
        return e;
    json_object_set_new(*result, "from", reply_time(r.from_ms));
    json_object_set_new(*result, "to", reply_time(r.to_ms));
    json_object_set(*result, "policy", json_object_get(ask, "policy"));
    json_object_set_new(*result, "version", r.version ? reply_u64(r.version) : json_null());
    return OK;
}
