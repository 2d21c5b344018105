/* busy: 503 in one write, then an orderly end. */
#include "proxyd/flow/busy.h"

#include <sys/socket.h>

#include "proxyd/flow/context.h"
#include "proxyd/io/fd.h"

static const char body[] = "Too busy\nThe proxy cannot take more connections now.\n";

void busy_turn_away(struct worker *w, int take_fd, const struct ip_port *client)
{
    char room[2048];
    struct buf b = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    struct http_reply h = {.status = 503,
                           .is_close = true,
                           .body_bytes = sizeof body - 1,
                           .now_s = w->loop.wall_ms / 1000,
                           .content_type = STR("text/plain"),
                           .node = worker_settings(w)->node,
                           .error = STR("connection_limit_reached"),
                           .extra = STR("Retry-After: 5\r\n")};
    bool is_sent = false;
    if (http_write_reply(&h, &b) == OK) {
        buf_add(&b, str_make(body, sizeof body - 1));
        is_sent = !b.failed && send(take_fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
    }
    (void)shutdown(take_fd, SHUT_WR);
    /* what the client has already sent is read away, or closing would reset its answer */
    char away[4096];
    while (recv(take_fd, away, sizeof away, MSG_DONTWAIT) > 0) {
    }
    fd_close(&take_fd);
    if (!is_sent)
        return;
    struct record rec = {
        .id = 1 + atomic_fetch_add_explicit(w->shared->last_id, 1, memory_order_relaxed),
        .time_ms = w->loop.wall_ms,
        .client = client->ip,
        .client_port = client->port,
        .status = 503,
        .verdict = RECORD_REFUSED,
        .bytes_out = b.n,
        .node = worker_settings(w)->node,
        .error = h.error,
    };
    if (event_append(w->journal, &w->scratch, &rec) != OK)
        stats_add(w->stats, STATS_RECORDS_LOST, 1);
    stats_record(w->stats, &rec);
}
