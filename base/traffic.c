/* traffic: sealing, copying, finding a client's class. */
#include "base/traffic.h"

#include <string.h>
#include <xxhash.h>

#define MAPPED_BITS 96 /* an IPv4 address stands behind so many bits */

void traffic_default(uint32_t connections, struct traffic *out)
{
    *out = (struct traffic){.client.connections = connections,
                            .queue_delay_ms = TRAFFIC_QUEUE_DELAY_MS,
                            .min_bytes_s = TRAFFIC_MIN_BYTES_S,
                            .min_window_ms = TRAFFIC_MIN_WINDOW_MS,
                            .prefix4 = 32,
                            .prefix6 = 64};
}

static bool is_judging(const struct traffic_bounds *b)
{
    return b->requests_s || b->running || b->tunnels;
}

void traffic_seal(struct traffic *t)
{
    t->is_judged = t->total_running || is_judging(&t->client) || is_judging(&t->user);
    t->is_measured = t->total_bytes_s || t->client.bytes_s || t->user.bytes_s;
    if (t->min_window_ms == 0)
        t->min_bytes_s = 0;
    t->stamp = XXH3_64bits(&t->n_classes, sizeof t->n_classes);
    for (size_t i = 0; i < t->n_classes; i++) {
        const struct traffic_class *c = &t->classes[i];
        t->is_judged = t->is_judged || (!c->is_exempt && is_judging(&c->bounds));
        t->is_measured = t->is_measured || (!c->is_exempt && c->bounds.bytes_s);
        t->stamp = XXH3_64bits_withSeed(c->name.p, c->name.n, t->stamp);
        for (size_t k = 0; k < c->n_networks; k++) {
            t->stamp = XXH3_64bits_withSeed(&c->networks[k].ip, sizeof(struct ip), t->stamp);
            t->stamp = XXH3_64bits_withSeed(&c->networks[k].bits, 1, t->stamp);
        }
    }
    t->stamp |= 1; /* never 0: "not looked up yet" */
}

enum err traffic_copy(const struct traffic *t, struct arena *a, struct traffic *out)
{
    struct traffic made = *t;
    struct traffic_class *c = arena_alloc(a, (t->n_classes + 1) * sizeof *c);
    if (!c)
        return ERR_NOMEM;
    for (size_t i = 0; i < t->n_classes; i++) {
        size_t bytes = t->classes[i].n_networks * sizeof(struct cidr);
        struct cidr *nets = arena_alloc(a, bytes + 1);
        c[i] = t->classes[i];
        c[i].name = arena_str(a, c[i].name);
        if (!nets || !c[i].name.p)
            return ERR_NOMEM;
        if (bytes)
            memcpy(nets, t->classes[i].networks, bytes);
        c[i].networks = nets;
    }
    made.classes = c;
    *out = made;
    return OK;
}

unsigned traffic_class_of(const struct traffic *t, const struct ip *ip)
{
    unsigned found = 0;
    int bits = -1;
    for (size_t i = 0; i < t->n_classes; i++) {
        const struct traffic_class *c = &t->classes[i];
        for (size_t k = 0; k < c->n_networks; k++)
            if (c->networks[k].bits > bits && cidr_has(&c->networks[k], ip)) {
                bits = c->networks[k].bits;
                found = (unsigned)i + 1;
            }
    }
    return found;
}

struct cidr traffic_client_of(const struct traffic *t, const struct ip *ip)
{
    unsigned bits = ip_is_v4(ip) ? MAPPED_BITS + t->prefix4 : t->prefix6;
    return cidr_of(ip, (uint8_t)bits);
}
