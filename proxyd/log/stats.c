/* stats: counters of a worker. */
#include "proxyd/log/stats.h"

#include <stdlib.h>
#include <string.h>

struct stats *stats_new(unsigned n)
{
    size_t bytes = (n ? n : 1) * sizeof(struct stats);
    struct stats *s = aligned_alloc(_Alignof(struct stats), bytes);
    for (unsigned i = 0; s && i < (n ? n : 1); i++) {
        for (int c = 0; c < STATS_COUNTERS; c++)
            atomic_init(&s[i].n[c], 0);
    }
    return s;
}

const char *stats_name(enum stats_counter c)
{
    static const char *const names[STATS_COUNTERS] = {"connections",
                                                      "open",
                                                      "tunnels",
                                                      "requests",
                                                      "allowed",
                                                      "blocked",
                                                      "warned",
                                                      "denied_auth",
                                                      "refused",
                                                      "error",
                                                      "bytes_in",
                                                      "bytes_out",
                                                      "dials",
                                                      "dial_failures",
                                                      "upstream_reused",
                                                      "records_lost",
                                                      "limited_connections",
                                                      "limited_connection_rate",
                                                      "limited_total_requests",
                                                      "limited_client_share",
                                                      "limited_client_connections",
                                                      "limited_client_rate",
                                                      "limited_client_requests",
                                                      "limited_client_tunnels",
                                                      "limited_user_rate",
                                                      "limited_user_requests",
                                                      "limited_user_tunnels",
                                                      "delayed",
                                                      "limited_user_connections",
                                                      "limited_queue_delay",
                                                      "limited_slow_uploads",
                                                      "limited_slow_downloads",
                                                      "limited_memory",
                                                      "short_descriptors",
                                                      "short_memory"};
    return names[c];
}

void stats_record(struct stats *s, const struct record *r)
{
    stats_add(s, STATS_REQUESTS, 1);
    stats_add(s, (enum stats_counter)(STATS_ALLOWED + r->verdict), 1);
    stats_add(s, STATS_BYTES_IN, r->bytes_in);
    stats_add(s, STATS_BYTES_OUT, r->bytes_out);
}

void stats_sum(const struct stats *workers, unsigned n, uint64_t out[STATS_COUNTERS])
{
    memset(out, 0, STATS_COUNTERS * sizeof *out);
    for (unsigned i = 0; i < n; i++) {
        for (int c = 0; c < STATS_COUNTERS; c++)
            out[c] += stats_get(&workers[i], (enum stats_counter)c);
    }
}
