/* job_start: one answer for everything that takes longer than a request. */
#include "adminui/job_start.h"

#include <stdio.h>

#include "adminui/app.h"
#include "adminui/problem.h"
#include "adminui/reply.h"

void job_start_reply(struct call *c, uint64_t id)
{
    char text[24];
    reply_json(c, 202, jobs_get(c->app->jobs, id));
    snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    reply_location(c, "/jobs/", str_of(text));
}

void job_start(struct call *c, struct job_order *order)
{
    uint64_t id;
    order->by = str_of(c->caller.name);
    enum err e = jobs_add(c->app->jobs, order, &id);
    if (e != OK)
        json_decref(order->take_ask);
    if (e == ERR_BUSY) {
        problem_reply(c, PROBLEM_BUSY, "Too many jobs wait already.");
    } else if (e != OK) {
        problem_reply_err(c, e, "job");
    } else {
        job_start_reply(c, id);
        if (order->take_upload)
            c->upload = NULL;
    }
}
