/* traffic: how much of the proxy one client, one user and all of them together may take, as one
 * value: read from the settings by db, used by the flow, which may not see each other.
 * A client is an address, or all addresses of a network of prefix4 or prefix6 bits: whoever has one
 * IPv6 address mostly has 2^64 of them. 0 is "no bound" everywhere.
 * Borrows: texts and arrays belong to the arena they were made in. Threads: read-only. */
#ifndef BASE_TRAFFIC_H
#define BASE_TRAFFIC_H

#include "base/arena.h"
#include "base/cidr.h"

#define TRAFFIC_CLASSES_MAX  64
#define TRAFFIC_NETWORKS_MAX 512 /* of all classes together */

struct traffic_bounds {
    uint32_t connections; /* at once; a user's: those on which he came last */
    uint32_t requests_s;  /* begun a second, on average */
    uint32_t burst;       /* begun at once after a pause; at least 1 where requests_s is set */
    uint32_t running;     /* at once; a tunnel counts until it stands */
    uint32_t tunnels;     /* at once */
    uint64_t bytes_s;     /* both directions of bodies and tunnels */
};

/* Networks whose clients have bounds of their own. */
struct traffic_class {
    struct str name;
    const struct cidr *networks;
    size_t n_networks;
    struct traffic_bounds bounds;
    bool is_exempt;   /* the totals alone hold, and a share of them is not asked for */
    bool is_together; /* all its addresses count as one client */
};

struct traffic {
    struct traffic_bounds client, user;
    uint32_t total_running;
    uint32_t total_connections_s; /* new ones a second */
    uint64_t total_bytes_s;
    uint32_t queue_delay_ms; /* what waits for longer before it is looked at may be turned away */
    uint64_t min_bytes_s;    /* of a body that waits for nobody but its client, over each */
    uint32_t min_window_ms;  /* of these */
    uint32_t delay_ms; /* a request over its rate waits at most so long; 0: it is refused at once */
    uint8_t prefix4, prefix6; /* bits that make a client */
    const struct traffic_class *classes;
    size_t n_classes;
    bool is_judged;   /* some bound is on requests: else nothing is counted */
    bool is_measured; /* some bound is on bytes */
    uint64_t stamp;   /* of the classes: two values with one stamp put a client in the same class */
};

#define TRAFFIC_QUEUE_DELAY_MS 500
#define TRAFFIC_MIN_BYTES_S    500
#define TRAFFIC_MIN_WINDOW_MS  60000

/* Nothing bounded but connections, the least rate of bodies, and the wait of requests. */
void traffic_default(uint32_t connections, struct traffic *out);

/* After the members are filled: is_judged, is_measured, stamp. */
void traffic_seal(struct traffic *t);

/* A copy with its classes in the arena. ERR_NOMEM. */
enum err traffic_copy(const struct traffic *t, struct arena *a, struct traffic *out) MUST_CHECK;

/* 1 + index of the class whose network is the narrowest around the address; 0: none. */
unsigned traffic_class_of(const struct traffic *t, const struct ip *ip);

static inline const struct traffic_bounds *traffic_bounds_of(const struct traffic *t, unsigned c)
{
    return c ? &t->classes[c - 1].bounds : &t->client;
}

/* The network that counts as one client. Of a class that is together: the address itself, for its
 * name counts. */
struct cidr traffic_client_of(const struct traffic *t, const struct ip *ip);

#endif
