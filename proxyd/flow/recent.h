/* recent: the last refusals, so that people can be told afterwards why something did not work. A
 * browser shows nothing of the answer to a CONNECT; the page /why reads them back for the address
 * that asks. In memory only; a bounded number for each address.
 * Threads: any number at once (a lock for each shard of addresses; taken only when a page of ours
 * refuses, and by /why). Owner: recent_new/free. */
#ifndef PROXYD_FLOW_RECENT_H
#define PROXYD_FLOW_RECENT_H

#include "base/cidr.h"
#include "base/err.h"

#define RECENT_SHARDS 16
#define RECENT_SLOTS  96 /* of a shard */
#define RECENT_EACH   12 /* of one address */
#define RECENT_WHO    128
#define RECENT_HOST   256
#define RECENT_RULE   129

struct recent_entry {
    int64_t at_ms; /* Unix time of the last one; 0: free */
    uint64_t id;   /* of its record */
    struct ip client;
    uint32_t n; /* how often, for this host and rule */
    uint16_t port;
    bool is_tunnel;
    uint8_t who_n, host_n, rule_n;
    char who[RECENT_WHO], host[RECENT_HOST], rule[RECENT_RULE];
};

struct recent;

struct recent *recent_new(void); /* NULL: out of memory */
void recent_free(struct recent *x);

/* Texts that do not fit are not remembered at all. */
struct recent_fact {
    struct ip client;
    struct str who, host, rule;
    int64_t at_ms;
    uint64_t id;
    uint16_t port;
    bool is_tunnel;
};
void recent_put(struct recent *x, const struct recent_fact *f);

/* Copies those of the address into out, newest first; how many. */
unsigned recent_of(struct recent *x, const struct ip *client, struct recent_entry out[RECENT_EACH]);

#endif
