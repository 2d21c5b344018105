/* set_net: networks an address lies in. One sorted table a prefix length in use, so the cost is
 * that number of binary searches, however many networks there are. Owner: caller's storage,
 * set_net_fini works on a zeroed one. Threads: read-only once sealed. */
#ifndef POLICIES_SET_NET_H
#define POLICIES_SET_NET_H

#include "base/cidr.h"

struct set_net_entry {
    struct cidr net;
    uint32_t id;
};

struct set_net {
    struct set_net_entry *v;
    size_t n, cap;
    uint32_t start[130]; /* by prefix length, when sealed */
    uint8_t length[129]; /* the prefix lengths in use */
    unsigned n_lengths;
};

enum err set_net_add(struct set_net *s, const struct cidr *net, uint32_t id) MUST_CHECK;
void set_net_seal(struct set_net *s); /* sorts; before the first look-up */
void set_net_fini(struct set_net *s);

void set_net_find(const struct set_net *s, const struct ip *ip,
                  void (*on_hit)(void *ctx, uint32_t id), void *ctx);

#endif
