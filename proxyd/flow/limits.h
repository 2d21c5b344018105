/* limits: how many client connections there are, of the process and of one client address. Asked
 * when a connection is accepted and when it closes, never by a request.
 * Owner: caller's storage. Threads: any number at once (sharded locks inside).
 * Limit: LIMITS_SLOTS addresses a shard at once; further ones are counted in the total only. */
#ifndef PROXYD_FLOW_LIMITS_H
#define PROXYD_FLOW_LIMITS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/cidr.h"

#define LIMITS_SHARDS 16
#define LIMITS_SLOTS  4096

struct limits_shard;

struct limits {
    atomic_uint n_clients;
    struct limits_shard *shards;
    uint64_t seed;
};

enum err limits_init(struct limits *l) MUST_CHECK; /* ERR_NOMEM, ERR_IO */
void limits_fini(struct limits *l);

/* One more connection of this address. ERR_BUSY: the total is reached; ERR_LIMIT: the address's own
 * bound is. Then nothing is counted. max_per_client 0: no bound. */
enum err limits_enter(struct limits *l, const struct ip *client, unsigned max_clients,
                      unsigned max_per_client) MUST_CHECK;
void limits_leave(struct limits *l, const struct ip *client);

#endif
