/* set_net: sorted by length, then by address. */
#include "policies/set_net.h"

#include <stdlib.h>
#include <string.h>

enum err set_net_add(struct set_net *s, const struct cidr *net, uint32_t id)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        struct set_net_entry *v = realloc(s->v, cap * sizeof *v);
        if (!v)
            return ERR_NOMEM;
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = (struct set_net_entry){*net, id};
    return OK;
}

static int by_length(const void *pa, const void *pb)
{
    const struct set_net_entry *a = pa, *b = pb;
    if (a->net.bits != b->net.bits)
        return a->net.bits < b->net.bits ? -1 : 1;
    return memcmp(a->net.ip.b, b->net.ip.b, sizeof a->net.ip.b);
}

void set_net_seal(struct set_net *s)
{
    if (s->n)
        qsort(s->v, s->n, sizeof *s->v, by_length);
    size_t at = 0;
    for (unsigned bits = 0; bits < 130; bits++) {
        while (at < s->n && s->v[at].net.bits < bits)
            at++;
        s->start[bits] = (uint32_t)at;
    }
    s->n_lengths = 0;
    for (unsigned bits = 0; bits <= 128; bits++)
        if (s->start[bits] != s->start[bits + 1])
            s->length[s->n_lengths++] = (uint8_t)bits;
}

void set_net_fini(struct set_net *s)
{
    free(s->v);
    *s = (struct set_net){0};
}

static struct ip masked(const struct ip *ip, unsigned bits)
{
    struct ip out = *ip;
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = bits >= (i + 1) * 8 ? 8 : bits > i * 8 ? bits - i * 8 : 0;
        out.b[i] &= (uint8_t)(0xff00u >> keep);
    }
    return out;
}

void set_net_find(const struct set_net *s, const struct ip *ip,
                  void (*on_hit)(void *ctx, uint32_t id), void *ctx)
{
    for (unsigned i = 0; i < s->n_lengths; i++) {
        unsigned bits = s->length[i];
        size_t lo = s->start[bits], end = s->start[bits + 1], hi = end;
        struct ip want = masked(ip, bits);
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (memcmp(s->v[mid].net.ip.b, want.b, sizeof want.b) < 0)
                lo = mid + 1;
            else
                hi = mid;
        }
        for (; lo < end && memcmp(s->v[lo].net.ip.b, want.b, sizeof want.b) == 0; lo++)
            on_hit(ctx, s->v[lo].id);
    }
}
