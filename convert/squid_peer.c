/* squid_peer: words in the order of Squid's documentation: host, kind, two ports, options. */
#include "convert/squid_peer.h"

#include "base/host.h"

/* Options that change nothing of how a request goes out here. */
static const char *const harmless[] = {"no-query",     "no-digest",  "no-netdb-exchange",
                                       "proxy-only",   "no-delay",   "default",
                                       "no-tproxy",    "allow-miss", "round-robin",
                                       "sourcehash",   "htcp",       "background-ping",
                                       "digest-url",   "basetime=",  "weight=",
                                       "name=",        "login=",     "ttl=",
                                       "closest-only", "max-conn=0", NULL};

static const struct refused {
    const char *begins, *why;
} refused[] = {
    {"originserver", "It is a server behind a reverse proxy, not a parent."},
    {"ssl", "TLS to a parent proxy is not spoken here."},
    {"tls", "TLS to a parent proxy is not spoken here."},
    {"login=PASS", "The client's own login is never passed on to a parent."},
    {"login=NEGOTIATE", "Kerberos towards a parent is not spoken here."},
    {"login=*", "The client's name is never passed on to a parent."},
    {"carp", "Choosing a parent by URL is not done here."},
    {"userhash", "Choosing a parent by user is not done here."},
    {"weighted-round-robin", "Choosing a parent by its delay is not done here."},
    {"multicast-responder", "Multicast is not spoken here."},
    {NULL, NULL},
};

static int hex(char c)
{
    size_t at = str_find(STR("0123456789abcdef"), str_lower(c));
    return at == STR_NPOS ? -1 : (int)at;
}

/* Squid takes %20 for a space in a login. */
static struct str unescape(struct str s, struct outcome *o)
{
    char *p = arena_alloc(&o->arena, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; p && i < s.n; i++) {
        int a = s.p[i] == '%' && i + 2 < s.n ? hex(s.p[i + 1]) : -1;
        int b = a >= 0 ? hex(s.p[i + 2]) : -1;
        p[n++] = b >= 0 ? (char)(a * 16 + b) : s.p[i];
        i += b >= 0 ? 2 : 0;
    }
    o->failed = o->failed || !p;
    return str_make(p ? p : "", n);
}

static bool is_plain(struct str s, bool may_have_colon)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c >= 0x7f || (c == ':' && !may_have_colon))
            return false;
    }
    return s.n <= 128;
}

static void read_login(struct squid_peer *p, struct str login, struct outcome *o)
{
    size_t colon = str_find(login, ':');
    p->username = unescape(str_sub(login, 0, colon), o);
    if (colon != STR_NPOS)
        p->password = unescape(str_sub(login, colon + 1, login.n), o);
    if (!p->username.n || !is_plain(p->username, false) || !is_plain(p->password, true))
        p->useless = "Its login cannot be taken over: enter it under System, Parent proxies.";
}

static bool is_harmless(struct str w)
{
    for (size_t i = 0; harmless[i]; i++) {
        struct str h = str_of(harmless[i]);
        if (h.p[h.n - 1] == '=' ? str_starts(w, h) : str_eq(w, h))
            return true;
    }
    return false;
}

static void read_option(struct squid_peer *p, struct str w, struct outcome *o)
{
    for (size_t i = 0; refused[i].begins; i++) {
        if (str_starts(w, str_of(refused[i].begins)))
            p->useless = refused[i].why;
    }
    if (p->useless)
        return;
    if (str_starts(w, STR("name=")))
        p->name = str_sub(w, 5, w.n);
    else if (str_starts(w, STR("weight=")) && str_to_u64(str_sub(w, 7, w.n), 100, &p->weight) != OK)
        p->partly = "Its weight is not from 1 to 100.";
    else if (str_starts(w, STR("login=")))
        read_login(p, str_sub(w, 6, w.n), o);
    p->is_default = p->is_default || str_eq(w, STR("default"));
    if (str_eq(w, STR("round-robin")))
        p->select = SQUID_PEER_ROBIN;
    else if (str_eq(w, STR("sourcehash")))
        p->select = SQUID_PEER_HASH;
    else if (!is_harmless(w))
        p->partly = "An option of it has no counterpart: see the limits of the group.";
}

static void read_address(struct squid_peer *p, struct str host, struct str port, struct outcome *o)
{
    struct host h;
    struct buf b;
    uint64_t number;
    buf_init(&b, 400);
    if (host_normalise(host, &h) != OK || str_to_u64(port, 65535, &number) != OK || !number) {
        p->useless = "Its address cannot be read.";
        return;
    }
    bool is_v6 = str_find(host_str(&h), ':') != STR_NPOS && host_str(&h).p[0] != '[';
    buf_addf(&b, is_v6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(host_str(&h)), (unsigned)number);
    p->address = arena_str(&o->arena, buf_str(&b));
    buf_fini(&b);
}

struct squid_peer squid_peer_read(const struct squid_directive *d, struct outcome *o)
{
    struct squid_peer p = {.line = d, .weight = 1};
    bool asks = true;
    if (d->n < 5) {
        p.useless = "A cache_peer has a host, a kind and two ports.";
        return p;
    }
    p.name = d->words[1].text;
    if (!str_eq(d->words[2].text, STR("parent"))) {
        p.useless = "Only parents are asked; there is no cache to share with siblings.";
        return p;
    }
    read_address(&p, d->words[1].text, d->words[3].text, o);
    asks = !str_eq(d->words[4].text, STR("0"));
    for (size_t i = 5; i < d->n; i++) {
        asks = asks && !str_eq(d->words[i].text, STR("no-query"));
        read_option(&p, d->words[i].text, o);
    }
    if (asks && !p.partly)
        p.partly = "It is not asked by ICP whether it has a page; members are checked instead.";
    p.weight = p.weight ? p.weight : 1;
    return p;
}

static json_t *member(const struct squid_peer *p, bool is_weighted)
{
    json_t *m = json_pack("{s:o}", "address", outcome_text(p->address));
    if (m && p->username.n) {
        json_object_set_new(m, "username", outcome_text(p->username));
        json_object_set_new(m, "password", outcome_text(p->password));
    }
    if (m && is_weighted && p->weight != 1)
        json_object_set_new(m, "weight", json_integer((json_int_t)p->weight));
    return m;
}

json_t *squid_peer_group(const struct squid_peer *all, size_t n, uint32_t set, const char *name,
                         bool *is_exact)
{
    static const char *const balances[] = {"first", "round-robin", "client-hash"};
    json_t *members = json_array();
    size_t count = 0, of[3] = {0}, defaults = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(set >> i & 1))
            continue;
        count++;
        of[all[i].select]++;
        defaults += all[i].is_default;
    }
    int how = of[SQUID_PEER_ROBIN] == count  ? SQUID_PEER_ROBIN
              : of[SQUID_PEER_HASH] == count ? SQUID_PEER_HASH
                                             : SQUID_PEER_FIRST;
    *is_exact = count == 1 || how == SQUID_PEER_ROBIN ? !defaults || count == 1
                                                      : of[SQUID_PEER_FIRST] == count;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < n; i++) {
            if ((set >> i & 1) && all[i].is_default == !round)
                json_array_append_new(members, member(&all[i], how == SQUID_PEER_ROBIN));
        }
    }
    return json_pack("{s:s,s:o,s:s}", "name", name, "members", members, "balance",
                     balances[count == 1 ? 0 : how]);
}
