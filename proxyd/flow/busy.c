/* busy: 503 in one write, then an orderly end. */
#include "proxyd/flow/busy.h"

#include <sys/socket.h>

#include "proxyd/flow/context.h"
#include "proxyd/io/fd.h"

#define AWAY 64 /* reads at most */

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
    [ADMIT_MEMORY] = {STATS_LIMITED_MEMORY, "memory_limit", "memory",
                      "Too busy\nThe proxy cannot take more requests now.\n"},
    [ADMIT_DESCRIPTORS] = {STATS_SHORT_DESCRIPTORS, "connection_limit_reached", "descriptors",
                           "Too busy\nThe proxy cannot take more connections now.\n"},
};

/* The record first: a process killed behind the send has it. A client that takes nothing has one
 * with status 0. */
static void answer(struct worker *w, int fd, struct str text, const struct ip_port *client,
                   const char *error)
{
    struct record rec = {
        .id = 1 + atomic_fetch_add_explicit(w->shared->last_id, 1, memory_order_relaxed),
        .time_ms = w->loop.wall_ms,
        .client = client->ip,
        .client_port = client->port,
        .status = 503,
        .verdict = RECORD_REFUSED,
        .bytes_out = text.n,
        .node = worker_settings(w)->node,
        .error = str_of(error),
    };
    enum err e = event_offer(w->journal, &w->scratch, &rec);
    bool is_sent = send(fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
    if (e == OK && is_sent) {
        journal_keep(w->journal);
    } else if (e == OK) {
        journal_take_back(w->journal);
        rec.status = 0;
        rec.bytes_out = 0;
        e = event_append(w->journal, &w->scratch, &rec);
    }
    if (e != OK)
        stats_add(w->stats, STATS_RECORDS_LOST, 1);
    stats_record(w->stats, &rec);
}

void busy_answer(struct worker *w, int fd, const struct ip_port *client, enum admit_word word)
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
    if (http_write_reply(&h, &b) == OK) {
        buf_add_z(&b, why->body);
        if (!b.failed)
            answer(w, fd, buf_str(&b), client, why->error);
    }
    (void)shutdown(fd, SHUT_WR);
    /* what the client has already sent is read away, or closing would reset its answer */
    char away[4096];
    for (int i = 0; i < AWAY && recv(fd, away, sizeof away, MSG_DONTWAIT) > 0; i++)
        continue;
    stats_add(w->stats, why->counter, 1);
}

void busy_turn_away(struct worker *w, int take_fd, const struct ip_port *client,
                    enum admit_word word)
{
    busy_answer(w, take_fd, client, word);
    fd_close(&take_fd);
}
