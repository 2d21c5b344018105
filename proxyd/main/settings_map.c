/* settings_map: field by field. */
#include "proxyd/main/settings_map.h"

void settings_map(const struct settings_proxy *in, struct flow_settings *out)
{
    *out = (struct flow_settings){
        .node = in->node,
        .realm = in->realm,
        .contact = in->contact,
        .note = in->note,
        .head_ms = in->head_ms,
        .idle_ms = in->idle_ms,
        .identity_ms = in->identity_ms,
        .resolve_ms = in->resolve_ms,
        .connect_ms = in->connect_ms,
        .answer_ms = in->answer_ms,
        .body_ms = in->body_ms,
        .tunnel_ms = in->tunnel_ms,
        .pace_ms = in->traffic.delay_ms + 1000,
        .reply_ms = in->reply_ms,
        .pool_ms = in->pool_ms,
        .drain_ms = in->drain_ms,
        .continue_ms =
            in->warn_remembered_s > UINT32_MAX / 1000 ? UINT32_MAX : in->warn_remembered_s * 1000,
        .max_clients = in->clients,
        .max_pool = in->pool,
        .max_pool_per_host = in->pool_per_host,
        .drain_body_bytes = in->drain_body_bytes,
        .memory_bytes = (uint64_t)in->memory_mb << 20,
        .head = {.head_bytes = in->head_bytes,
                 .line_bytes = in->line_bytes,
                 .field_bytes = in->field_bytes,
                 .n_fields = (uint16_t)in->fields},
        .traffic = in->traffic,
        .privacy = in->privacy,
        .refuse_when_log_full = in->refuse_when_log_full,
    };
}
