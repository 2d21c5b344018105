/* settings: the defaults. */
#include "proxyd/flow/settings.h"

void flow_settings_default(struct flow_settings *out)
{
    *out = (struct flow_settings){
        .node = STR("proxyd"),
        .realm = STR("Internet access"),
        .head_ms = 20000,
        .idle_ms = 120000,
        .identity_ms = 15000,
        .resolve_ms = 10000,
        .connect_ms = 20000,
        .answer_ms = 300000,
        .body_ms = 300000,
        .tunnel_ms = 3600000,
        .pace_ms = 1000,
        .reply_ms = 30000,
        .pool_ms = 55000,
        .drain_ms = 10000,
        .continue_ms = 3600000,
        .max_clients = 50000,
        .max_pool = 1024,
        .max_pool_per_host = 128,
        .drain_body_bytes = 256 * 1024,
        .head = http_limits_default,
        .refuse_when_log_full = true,
    };
    traffic_default(4000, &out->traffic);
}
