/* api_usage: one handler over event_report_rules. */
#include "adminui/api_usage.h"

#include "adminui/desk.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/event_report.h"

#define DAY_MS INT64_C(86400000)

void api_usage_rules(struct call *c)
{
    uint64_t days = 30;
    struct event_rule_uses u;
    int64_t now = clock_wall_ms(&c->app->clock);
    if (!call_query_number(c, "days", 3660, &days))
        return;
    days = days ? days : 1;
    struct event_span span = {.from_ms = now - (int64_t)days * DAY_MS, .to_ms = now};
    enum err e = event_report_rules(c->desk->events, &span, &c->arena, &u);
    if (e != OK) {
        problem_reply_err(c, e, "report");
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < u.n; i++)
        json_array_append_new(
            items, json_pack("{s:o,s:o,s:o,s:o,s:o}", "rule", reply_str(u.rows[i].rule), "name",
                             reply_str(u.rows[i].name), "hits", reply_u64(u.rows[i].hits),
                             "blocked", reply_u64(u.rows[i].blocked), "last_hit_at",
                             reply_time(u.rows[i].last_hit_ms)));
    reply_json(c, 200,
               json_pack("{s:o,s:i,s:o}", "counted_from", reply_time(u.counted_from_ms), "days",
                         (int)days, "items", items));
}
