/* pac_decide: see pac_decide.h. Reads like the file that pac_emit.c writes, function by function:
 * pxdAddress, pxdName, pxdPort, pxdRoute, pxdShare. */
#include "pac/pac_decide.h"

#include <stdlib.h>
#include <string.h>

struct asked { /* the query brought into the form the steps work on */
    const struct pac_profile *p;
    struct str host;
    char lower[512];
};

const char *pac_decide_why_name(enum pac_why w)
{
    switch (w) {
    case PAC_WHY_ADDRESS: return "address";
    case PAC_WHY_PLAIN: return "plain-name";
    case PAC_WHY_EXACT: return "exact";
    case PAC_WHY_DOMAIN: return "domain";
    case PAC_WHY_SCHEME: return "scheme";
    case PAC_WHY_PORT: return "port";
    case PAC_WHY_RESOLVED: return "resolved";
    case PAC_WHY_DEFAULT: return "default";
    }
    return "";
}

/* Lower case, no brackets, no zone, no final dot. */
static enum err take_host(struct asked *a, struct str raw)
{
    if (raw.n >= sizeof a->lower)
        return ERR_LIMIT;
    struct str h = {a->lower, raw.n};
    for (size_t i = 0; i < raw.n; i++)
        a->lower[i] = str_lower(raw.p[i]);
    if (h.n > 0 && h.p[0] == '[')
        h = str_sub(h, 1, h.n);
    if (h.n > 0 && h.p[h.n - 1] == ']')
        h.n--;
    size_t zone = str_find(h, '%');
    if (zone != STR_NPOS && str_find(h, ':') != STR_NPOS)
        h.n = zone;
    if (h.n > 1 && h.p[h.n - 1] == '.')
        h.n--;
    a->host = h;
    return OK;
}

static int find_v4(const struct pac_profile *p, const struct ip *ip)
{
    uint32_t v = (uint32_t)ip->b[12] << 24 | (uint32_t)ip->b[13] << 16 | (uint32_t)ip->b[14] << 8 |
                 ip->b[15];
    for (size_t a = 0, b = p->n_v4; a < b;) {
        size_t m = (a + b) / 2;
        if (v < p->v4[m].lo)
            b = m;
        else if (v > p->v4[m].hi)
            a = m + 1;
        else
            return p->v4[m].route;
    }
    return -1;
}

static int find_v6(const struct pac_profile *p, const struct ip *ip)
{
    for (size_t a = 0, b = p->n_v6; a < b;) {
        size_t m = (a + b) / 2;
        if (memcmp(ip->b, p->v6[m].lo.b, sizeof ip->b) < 0)
            b = m;
        else if (memcmp(ip->b, p->v6[m].hi.b, sizeof ip->b) > 0)
            a = m + 1;
        else
            return p->v6[m].route;
    }
    return -1;
}

static int find_name(const struct pac_name *t, size_t n, struct str name)
{
    for (size_t a = 0, b = n; a < b;) {
        size_t m = (a + b) / 2;
        int c = str_cmp(name, t[m].name);
        if (c == 0)
            return t[m].route;
        if (c < 0)
            b = m;
        else
            a = m + 1;
    }
    return -1;
}

static int route_by_name(const struct asked *a, struct pac_answer *out)
{
    struct str h = a->host;
    size_t dot = str_find(h, '.');
    out->matched = h;
    out->why = PAC_WHY_PLAIN;
    if (a->p->is_plain_direct && dot == STR_NPOS)
        return PAC_ROUTE_DIRECT;
    out->why = PAC_WHY_EXACT;
    int route = find_name(a->p->exact, a->p->n_exact, h);
    while (route < 0) {
        out->why = PAC_WHY_DOMAIN;
        out->matched = h;
        route = find_name(a->p->suffix, a->p->n_suffix, h);
        dot = str_find(h, '.');
        if (dot == STR_NPOS)
            break;
        h = str_sub(h, dot + 1, h.n);
    }
    return route;
}

static struct str scheme_of(struct str url)
{
    size_t colon = str_find(url, ':');
    return str_sub(url, 0, colon == STR_NPOS ? 0 : colon);
}

/* The port the URL names, or its scheme's; 0 when there is none that we know. */
static uint64_t port_of(struct str url)
{
    struct str scheme = scheme_of(url), rest = str_sub(url, scheme.n + 1, url.n);
    uint64_t port = 0;
    if (str_find(scheme, '/') == STR_NPOS && str_find(scheme, '?') == STR_NPOS &&
        str_find(scheme, '#') == STR_NPOS && str_starts(rest, STR("//"))) {
        size_t end = 2;
        while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?' && rest.p[end] != '#')
            end++;
        struct str authority = str_sub(rest, 2, end);
        size_t colon = str_rfind(authority, ':');
        struct str digits = str_sub(authority, colon == STR_NPOS ? authority.n : colon + 1, end);
        enum err e = digits.n ? str_to_u64(digits, 65535, &port) : ERR_INVALID;
        if (e == OK || e == ERR_LIMIT)
            return e == OK ? port : 65536;
    }
    if (str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("ws")))
        return 80;
    if (str_eq_nocase(scheme, STR("https")) || str_eq_nocase(scheme, STR("wss")))
        return 443;
    return str_eq_nocase(scheme, STR("ftp")) ? 21 : 0;
}

static bool is_direct_by_url(const struct pac_profile *p, struct str url, struct pac_answer *out)
{
    struct str scheme = scheme_of(url);
    uint64_t port = port_of(url);
    for (size_t i = 0; i < p->n_schemes; i++) {
        if (str_eq_nocase(p->schemes[i], scheme)) {
            out->why = PAC_WHY_SCHEME;
            out->matched = p->schemes[i];
            return true;
        }
    }
    for (size_t i = 0; i < p->n_ports; i++) {
        if (p->ports[i] == port) {
            out->why = PAC_WHY_PORT;
            out->matched = STR("");
            return true;
        }
    }
    return false;
}

static int route_by_address(const struct pac_profile *p, const struct ip *ip)
{
    return ip_is_v4(ip) ? find_v4(p, ip) : find_v6(p, ip);
}

static size_t choose_route(const struct asked *a, const struct pac_query *q, struct pac_answer *out)
{
    struct ip ip;
    bool is_ip = ip_parse(a->host, &ip) == OK;
    int route = is_ip ? route_by_address(a->p, &ip) : route_by_name(a, out);
    if (is_ip) {
        out->why = PAC_WHY_ADDRESS;
        out->matched = a->host;
    }
    if (route >= 0)
        return (size_t)route;
    if (is_direct_by_url(a->p, q->url, out))
        return PAC_ROUTE_DIRECT;
    if (!is_ip && a->p->may_resolve && q->resolved && ip_is_v4(q->resolved)) {
        route = find_v4(a->p, q->resolved);
        out->why = PAC_WHY_RESOLVED;
        out->matched = a->host;
        if (route >= 0)
            return (size_t)route;
    }
    out->why = PAC_WHY_DEFAULT;
    out->matched = STR("");
    return PAC_ROUTE_DEFAULT;
}

struct scored {
    uint32_t score;
    size_t index;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The order in which the route's proxies are to be tried; how many of them. */
static enum err order(const struct pac_input *in, const struct pac_route *r, struct str host,
                      struct scored *out, size_t *n_out)
{
    uint32_t hash = pac_entry_hash(host);
    struct buf entry;
    enum err e = OK;
    buf_init(&entry, 1024);
    for (size_t i = 0; i < r->n_proxies && e == OK; i++) {
        out[i] = (struct scored){0, i};
        buf_clear(&entry);
        e = pac_entry_write(&r->proxies[i], &in->self, &entry);
        for (unsigned k = 0; k < r->proxies[i].weight; k++) {
            uint32_t s = pac_entry_score(hash, pac_entry_seed(buf_str(&entry), k));
            out[i].score = s > out[i].score ? s : out[i].score;
        }
    }
    buf_fini(&entry);
    *n_out = r->n_proxies;
    if (r->sharing == PAC_BY_HOST && r->n_proxies > 1) {
        qsort(out, r->n_proxies, sizeof *out, by_score);
        *n_out = r->n_proxies < PAC_TRIED_MAX ? r->n_proxies : PAC_TRIED_MAX;
    }
    return e;
}

static enum err write_answer(const struct pac_input *in, const struct pac_route *r, struct str host,
                             struct buf *text)
{
    struct scored tried[PAC_PROXIES_MAX];
    size_t n;
    enum err e = order(in, r, host, tried, &n);
    for (size_t i = 0; i < n && e == OK; i++) {
        if (i)
            buf_add_z(text, "; ");
        e = pac_entry_write(&r->proxies[tried[i].index], &in->self, text);
    }
    if (r->then_direct)
        buf_add_z(text, n ? "; DIRECT" : "DIRECT");
    return e == OK && text->failed ? ERR_LIMIT : e;
}

enum err pac_decide(const struct pac_input *in, const struct pac_query *q, struct buf *text,
                    struct pac_answer *out)
{
    struct asked a = {.p = &in->model->profiles[in->profile]};
    struct pac_answer answer = {0};
    enum err e = take_host(&a, q->host);
    if (e != OK)
        return e;
    answer.route = choose_route(&a, q, &answer);
    e = write_answer(in, &a.p->routes[answer.route], a.host, text);
    if (e != OK)
        return e;
    /* matched must not point into our frame: the lowered host's bytes are the query's. */
    if (answer.matched.p >= a.lower && answer.matched.p < a.lower + sizeof a.lower)
        answer.matched.p = q->host.p + (answer.matched.p - a.lower);
    *out = answer;
    return OK;
}
