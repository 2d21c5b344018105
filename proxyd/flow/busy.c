/* busy: 503 in one write, then an orderly end. */
#include "proxyd/flow/busy.h"

#include <sys/socket.h>

#include "proxyd/flow/context.h"
#include "proxyd/io/fd.h"

static const struct reason {
    enum stats_counter counter;
    const char *error, *details, *body;
} reasons[] = {
    [ADMIT_OK] = {STATS_COUNTERS, "", "", ""},
    [ADMIT_FULL] = {STATS_LIMITED_CONNECTIONS, "connection_limit_reached", "total_connections",
                    "Too busy\nThe proxy cannot take more connections now.\n"},
    [ADMIT_RATE] = {STATS_LIMITED_CONNECTION_RATE, "connection_rate", "connection_rate",
                    "Too busy\nToo many connections come to the proxy at once.\n"},
    [ADMIT_CLIENT] = {STATS_LIMITED_CLIENT_CONNECTIONS, "connection_limit_reached",
                      "client_connections",
                      "Too many connections\nThis computer has as many connections to the proxy as "
                      "it may have.\n"},
};

void busy_turn_away(struct worker *w, int take_fd, const struct ip_port *client,
                    enum admit_word word)
{
    const struct reason *why = &reasons[word];
    char room[2048];
    struct buf b = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    struct http_reply h = {.status = 503,
                           .is_close = true,
                           .body_bytes = str_of(why->body).n,
                           .now_s = w->loop.wall_ms / 1000,
                           .content_type = STR("text/plain"),
                           .node = worker_settings(w)->node,
                           .error = STR("connection_limit_reached"),
                           .details = str_of(why->details),
                           .extra = STR("Retry-After: 5\r\n")};
    bool is_sent = false;
    if (http_write_reply(&h, &b) == OK) {
        buf_add_z(&b, why->body);
        is_sent = !b.failed && send(take_fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
    }
    (void)shutdown(take_fd, SHUT_WR);
    /* what the client has already sent is read away, or closing would reset its answer */
    char away[4096];
    while (recv(take_fd, away, sizeof away, MSG_DONTWAIT) > 0) {
    }
    fd_close(&take_fd);
    stats_add(w->stats, why->counter, 1);
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
        .error = str_of(why->error),
    };
    if (event_append(w->journal, &w->scratch, &rec) != OK)
        stats_add(w->stats, STATS_RECORDS_LOST, 1);
    stats_record(w->stats, &rec);
}
