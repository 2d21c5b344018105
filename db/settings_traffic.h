/* settings_traffic: the member "traffic" of the settings document "proxy" as a value, every fault
 * reported with its JSON pointer. Called by settings_proxy alone. Pure but for memory.
 *
 * "traffic": {
 *   "per_client": {"requests_per_second": 0, "burst": 0, "concurrent_requests": 0, "tunnels": 0,
 *                  "bytes_per_second": 0},     connections: limits.per_client
 *   "per_user":   {the same, "connections": 0}, people who have logged in, wherever they sit
 *   "total":      {"concurrent_requests": 0, "new_connections_per_second": 0,
 *                  "bytes_per_second": 0,      connections: limits.clients
 *                  "queue_delay_ms": 500},     what waited so long before it was looked at is shed
 *   "min_rate":   {"bytes_per_second": 500,    of a body that is held up by its client alone,
 *                  "window_ms": 60000},        over each window of such time but the first
 *   "when_over": "refuse",                     429 for who is over a rate; or "delay": it waits
 *   "delay_ms": 2000,                          at most so long, then 429
 *   "ipv4_prefix": 32, "ipv6_prefix": 64,      addresses of one network are one client
 *   "classes": [{"name": "terminal servers", "networks": ["10.1.2.0/28"],
 *                "exempt": false, "together": false,
 *                "connections": 0, and the members of per_client}]}
 * 0 or null: no bound. burst 0: as many as two seconds allow, at least 10; of new connections and
 * bytes a second's and a quarter of a second's worth may come at once. What a class leaves out is
 * as for everybody. The narrowest network decides which class a client is in. */
#ifndef DB_SETTINGS_TRAFFIC_H
#define DB_SETTINGS_TRAFFIC_H

#include <jansson.h>

#include "base/report.h"
#include "base/traffic.h"

#define SETTINGS_TRAFFIC_DEFAULT                                                                   \
    "{\"per_client\":{\"requests_per_second\":0,\"burst\":0,\"concurrent_requests\":0,"            \
    "\"tunnels\":0,\"bytes_per_second\":0},"                                                       \
    "\"per_user\":{\"connections\":0,\"requests_per_second\":0,\"burst\":0,"                       \
    "\"concurrent_requests\":0,\"tunnels\":0,\"bytes_per_second\":0},"                             \
    "\"total\":{\"concurrent_requests\":0,\"new_connections_per_second\":0,"                       \
    "\"bytes_per_second\":0,\"queue_delay_ms\":500},"                                              \
    "\"min_rate\":{\"bytes_per_second\":500,\"window_ms\":60000},"                                 \
    "\"when_over\":\"refuse\",\"delay_ms\":2000,\"ipv4_prefix\":32,\"ipv6_prefix\":64,"            \
    "\"classes\":[]}"

/* o: NULL for the defaults. connections: limits.per_client. *out's arrays are the arena's; it is
 * usable only when no fault was reported. ERR_NOMEM. */
enum err settings_traffic_parse(const json_t *o, uint32_t connections, struct arena *a,
                                struct report *report, struct traffic *out) MUST_CHECK;

#endif
