/* pac_table: see pac_table.h. */
#include "pac/pac_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

static int by_name(const void *a, const void *b)
{
    const struct pac_raw_name *x = a, *y = b;
    int c = str_cmp(x->name, y->name);
    return c ? c : (x->route > y->route) - (x->route < y->route);
}

struct names {
    struct pac_name *t;
    size_t n;
};

static enum err fill_names(struct pac_raw_name *raw, size_t n, struct arena *a, struct report *r,
                           struct names *out)
{
    if (n > 0)
        qsort(raw, n, sizeof *raw, by_name);
    struct pac_name *t = arena_alloc(a, (n + 1) * sizeof *t);
    if (!t)
        return ERR_NOMEM;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool again = kept > 0 && str_eq(t[kept - 1].name, raw[i].name);
        if (again && t[kept - 1].route != raw[i].route)
            report_fault(r, raw[i].pointer, "two-routes", "%.*s already stands in another route.",
                         STR_ARG(raw[i].name));
        if (!again)
            t[kept++] = (struct pac_name){raw[i].name, raw[i].route};
    }
    *out = (struct names){t, kept};
    return OK;
}

/* Outer networks before the ones inside them. */
static int by_net(const void *a, const void *b)
{
    const struct pac_raw_net *x = a, *y = b;
    int c = memcmp(x->net.ip.b, y->net.ip.b, sizeof x->net.ip.b);
    if (c == 0)
        c = (x->net.bits > y->net.bits) - (x->net.bits < y->net.bits);
    return c ? c : (x->route > y->route) - (x->route < y->route);
}

static struct ip last_of(const struct cidr *c)
{
    struct ip ip = c->ip;
    for (unsigned i = c->bits; i < 128; i++)
        ip.b[i / 8] |= (uint8_t)(0x80u >> (i % 8));
    return ip;
}

static struct ip step(struct ip ip, int by)
{
    for (int i = 15; i >= 0; i--) {
        ip.b[i] = (uint8_t)(ip.b[i] + by);
        if (ip.b[i] != (by > 0 ? 0x00 : 0xff))
            break;
    }
    return ip;
}

/* Networks that are sorted and nested become ranges by one walk with a stack of the open ones. */
struct sweep {
    struct pac_range6 *out;
    size_t n;
    struct pac_range6 open[130]; /* lo of an open one moves on as parts are put out */
    size_t depth;
    bool spent[130]; /* an open one whose last address is already out */
};

static void put(struct sweep *s, struct ip lo, struct ip hi, uint16_t route)
{
    if (memcmp(lo.b, hi.b, sizeof lo.b) > 0)
        return;
    must(s->out != NULL);
    struct pac_range6 *before = s->n > 0 ? &s->out[s->n - 1] : NULL;
    struct ip next = before ? step(before->hi, 1) : lo;
    if (before && before->route == route && ip_eq(&next, &lo))
        before->hi = hi;
    else
        s->out[s->n++] = (struct pac_range6){lo, hi, route};
}

/* Closes the innermost open network and lets the one around it go on behind it. */
static void close_top(struct sweep *s)
{
    struct pac_range6 top = s->open[--s->depth];
    if (!s->spent[s->depth])
        put(s, top.lo, top.hi, top.route);
    if (s->depth == 0)
        return;
    struct pac_range6 *around = &s->open[s->depth - 1];
    if (memcmp(top.hi.b, around->hi.b, sizeof top.hi.b) == 0)
        s->spent[s->depth - 1] = true;
    else
        around->lo = step(top.hi, 1);
}

static void open_net(struct sweep *s, const struct pac_raw_net *raw)
{
    struct pac_range6 r = {raw->net.ip, last_of(&raw->net), raw->route};
    while (s->depth > 0 && memcmp(s->open[s->depth - 1].hi.b, r.lo.b, sizeof r.lo.b) < 0)
        close_top(s);
    if (s->depth > 0) {
        struct pac_range6 *around = &s->open[s->depth - 1];
        if (memcmp(around->lo.b, r.lo.b, sizeof r.lo.b) < 0)
            put(s, around->lo, step(r.lo, -1), around->route);
    }
    s->spent[s->depth] = false;
    s->open[s->depth++] = r;
}

static uint32_t v4_of(const struct ip *ip)
{
    return (uint32_t)ip->b[12] << 24 | (uint32_t)ip->b[13] << 16 | (uint32_t)ip->b[14] << 8 |
           ip->b[15];
}

/* One family at a time: an IPv6 network around ::ffff:0:0/96 must not catch IPv4 addresses. */
static bool is_v4_net(const struct cidr *c)
{
    return c->bits >= 96 && ip_is_v4(&c->ip);
}

static size_t sweep_family(struct sweep *s, const struct pac_raw *raw, bool v4, struct report *r)
{
    const struct pac_raw_net *before = NULL;
    s->n = s->depth = 0;
    for (size_t i = 0; i < raw->n_nets; i++) {
        const struct pac_raw_net *n = &raw->nets[i];
        if (is_v4_net(&n->net) != v4)
            continue;
        bool again =
            before && before->net.bits == n->net.bits && ip_eq(&before->net.ip, &n->net.ip);
        if (again && before->route != n->route)
            report_fault(r, n->pointer, "two-routes",
                         "This network already stands in another route.");
        if (!again)
            open_net(s, n);
        before = n;
    }
    while (s->depth > 0)
        close_top(s);
    return s->n;
}

static enum err fill_nets(const struct pac_raw *raw, struct arena *a, struct report *r,
                          struct pac_profile *out)
{
    /* Every network cuts the one around it into at most two more parts. */
    struct sweep *s = calloc(1, sizeof *s);
    struct pac_range6 *parts = calloc(raw->n_nets * 3 + 1, sizeof *parts);
    enum err e = ERR_NOMEM;
    if (!s || !parts)
        goto done;
    s->out = parts;
    size_t n4 = sweep_family(s, raw, true, r);
    struct pac_range4 *v4 = arena_alloc(a, (n4 + 1) * sizeof *v4);
    for (size_t i = 0; v4 && i < n4; i++)
        v4[i] = (struct pac_range4){v4_of(&parts[i].lo), v4_of(&parts[i].hi), parts[i].route};
    size_t n6 = sweep_family(s, raw, false, r);
    struct pac_range6 *v6 = arena_alloc(a, (n6 + 1) * sizeof *v6);
    if (!v4 || !v6)
        goto done;
    if (n6 > 0)
        memcpy(v6, parts, n6 * sizeof *v6);
    out->v4 = v4;
    out->n_v4 = n4;
    out->v6 = v6;
    out->n_v6 = n6;
    e = OK;
done:
    free(parts);
    free(s);
    return e;
}

enum err pac_table_fill(struct pac_raw *raw, struct arena *a, struct report *r,
                        struct pac_profile *out)
{
    struct names exact, suffix;
    enum err e = fill_names(raw->exact, raw->n_exact, a, r, &exact);
    if (e == OK)
        e = fill_names(raw->suffix, raw->n_suffix, a, r, &suffix);
    if (e != OK)
        return e;
    out->exact = exact.t;
    out->n_exact = exact.n;
    out->suffix = suffix.t;
    out->n_suffix = suffix.n;
    if (raw->n_nets > 0)
        qsort(raw->nets, raw->n_nets, sizeof *raw->nets, by_net);
    return fill_nets(raw, a, r, out);
}
