/* pac_parse: see pac_parse.h. The JSON tree and the raw entries live in scratch memory that ends
 * with the call; what the model needs is copied into its arena. */
#include "pac/pac_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/host.h"
#include "pac/pac_emit.h"
#include "pac/pac_read.h"
#include "pac/pac_table.h"

#define SCRATCH_CEILING (256u << 20)
#define CLIENT_NETS_MAX 500 /* of one profile; they are compared pairwise */

struct parse {
    struct pac_read read;
    struct arena *keep; /* the model's */
    struct arena scratch;
    bool no_memory;
};

static const char *const sharing_words[] = {"failover", "by-host", NULL};
static const char *const fallback_words[] = {"none", "direct", NULL};
static const char *const kind_words[] = {"http", "https", "socks5", "socks4", NULL};

struct str pac_parse_default_document(void)
{
    return STR("{\"url\":\"\",\"profiles\":[{\"name\":\"default\",\"networks\":[],"
               "\"proxies\":[{\"type\":\"http\",\"host\":null,\"port\":0,\"weight\":1}],"
               "\"sharing\":\"failover\",\"fallback\":\"none\",\"plain_names_direct\":true,"
               "\"direct\":{\"domains\":[\"local\"],\"exact\":[],\"networks\":["
               "\"10.0.0.0/8\",\"127.0.0.0/8\",\"169.254.0.0/16\",\"172.16.0.0/12\","
               "\"192.168.0.0/16\",\"::1/128\",\"fc00::/7\",\"fe80::/10\"],"
               "\"schemes\":[],\"ports\":[]},\"routes\":[],\"resolve_names\":false}]}");
}

static void *get(struct parse *p, struct arena *a, size_t n)
{
    void *m = arena_alloc(a, n ? n : 1);
    if (!m)
        p->no_memory = true;
    return m;
}

static struct str keep(struct parse *p, struct str s)
{
    struct str copy = arena_str(p->keep, s);
    if (!copy.p)
        p->no_memory = true;
    return copy;
}

/* The pointer of where we are, for faults found after reading. */
static const char *here(struct parse *p)
{
    struct str s = arena_str(&p->scratch, str_of(p->read.path));
    if (!s.p)
        p->no_memory = true;
    return s.p ? s.p : "";
}

static bool is_name_text(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
            continue;
        if (str_find(str_of(more), c) == STR_NPOS)
            return false;
    }
    return s.n > 0 && s.n <= 64;
}

static struct str read_label(struct parse *p, const json_t *o)
{
    struct str name = pac_read_str(&p->read, o, "name");
    if (is_name_text(name, " ._-"))
        return keep(p, name);
    size_t mark = pac_read_enter(&p->read, "name");
    pac_read_fault(&p->read, "bad-name",
                   "A name has 1 to 64 letters, digits, spaces, dots, dashes or underscores.");
    pac_read_leave(&p->read, mark);
    return STR("");
}

/* A host name in normal form; addresses are refused when may_be_ip is false. */
static bool read_host(struct parse *p, struct str raw, bool may_be_ip, struct str *out)
{
    struct host h = {0};
    struct ip ip;
    bool is_ip = ip_parse(raw, &ip) == OK; /* IPv6 may stand here without brackets */
    enum err e = is_ip ? OK : host_normalise(raw, &h);
    if (e == OK && h.is_ip) {
        is_ip = true;
        ip = h.ip;
    }
    if (is_ip && !may_be_ip) {
        pac_read_fault(&p->read, "address", "This is an address; it belongs into networks.");
        return false;
    }
    if (is_ip) {
        struct buf b;
        buf_init(&b, 64);
        ip_format(&ip, &b);
        *out = keep(p, buf_str(&b));
        buf_fini(&b);
        return out->p != NULL;
    }
    /* Names are joined by spaces in the file; what the normal form lets through beyond letters,
     * digits, dash, dot and underscore has no place there. */
    for (size_t i = 0; e == OK && i < h.n; i++) {
        char c = h.text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            e = ERR_INVALID;
    }
    if (e != OK) {
        pac_read_fault(&p->read, "bad-host", "This is not a host name.");
        return false;
    }
    *out = keep(p, host_str(&h));
    return out->p != NULL;
}

static void read_proxy(struct parse *p, const json_t *v, struct pac_proxy *out)
{
    static const char *const keys[] = {"type", "host", "port", "weight", NULL};
    struct pac_read *r = &p->read;
    *out = (struct pac_proxy){.weight = 1};
    if (!pac_read_object(r, v, keys))
        return;
    out->kind = (enum pac_kind)pac_read_word(r, v, "type", kind_words);
    const json_t *host = json_object_get(v, "host");
    if (host && !json_is_null(host)) {
        struct str raw;
        size_t mark = pac_read_enter(r, "host");
        if (pac_read_text(r, host, &raw))
            read_host(p, raw, true, &out->host);
        pac_read_leave(r, mark);
    }
    bool is_self = !host || json_is_null(host);
    uint64_t lowest = is_self ? 0 : 1;
    out->port = (uint16_t)pac_read_number(r, v, "port", (struct pac_read_range){lowest, 65535, 0});
    if (!is_self && !json_object_get(v, "port"))
        pac_read_fault(r, "no-port", "A proxy with a host needs its port.");
    out->weight =
        (uint8_t)pac_read_number(r, v, "weight", (struct pac_read_range){1, PAC_WEIGHT_MAX, 1});
}

static void read_proxies(struct parse *p, const json_t *o, struct pac_route *out)
{
    struct pac_read *r = &p->read;
    json_t *list = pac_read_array(r, o, "proxies");
    size_t n = json_array_size(list);
    size_t mark = pac_read_enter(r, "proxies");
    if (n > PAC_PROXIES_MAX) {
        pac_read_fault(r, "too-many", "At most %d proxies.", PAC_PROXIES_MAX);
        n = PAC_PROXIES_MAX;
    } else if (n > PAC_TRIED_MAX && out->sharing == PAC_FAILOVER) {
        pac_read_warning(r, "many-proxies",
                         "Each proxy that is down costs a browser a connect timeout; three or "
                         "four are enough.");
    }
    if (n == 0 && !out->then_direct)
        pac_read_fault(r, "no-proxy", "No proxy and no direct way: nothing could be reached.");
    struct pac_proxy *proxies = get(p, p->keep, n * sizeof *proxies);
    for (size_t i = 0; proxies && i < n; i++) {
        size_t inner = pac_read_enter_at(r, i);
        read_proxy(p, json_array_get(list, i), &proxies[i]);
        pac_read_leave(r, inner);
    }
    pac_read_leave(r, mark);
    out->proxies = proxies;
    out->n_proxies = proxies ? n : 0;
}

static void read_way(struct parse *p, const json_t *o, struct pac_route *out)
{
    out->sharing = (enum pac_sharing)pac_read_word(&p->read, o, "sharing", sharing_words);
    out->then_direct = pac_read_word(&p->read, o, "fallback", fallback_words) == 1;
    read_proxies(p, o, out);
}

static void read_names(struct parse *p, const json_t *o, bool exact, uint16_t route,
                       struct pac_raw *raw)
{
    const char *key = exact ? "exact" : "domains";
    struct pac_raw_name *to = exact ? raw->exact : raw->suffix;
    size_t *n = exact ? &raw->n_exact : &raw->n_suffix;
    json_t *list = pac_read_array(&p->read, o, key);
    size_t mark = pac_read_enter(&p->read, key);
    for (size_t i = 0; i < json_array_size(list) && !p->no_memory; i++) {
        struct str text;
        size_t inner = pac_read_enter_at(&p->read, i);
        struct pac_raw_name *e = &to[*n];
        if (pac_read_text(&p->read, json_array_get(list, i), &text)) {
            if (!exact && str_starts(text, STR("*.")))
                text = str_sub(text, 2, text.n);
            else if (!exact && str_starts(text, STR(".")))
                text = str_sub(text, 1, text.n);
            if (read_host(p, text, false, &e->name)) {
                e->route = route;
                e->pointer = here(p);
                (*n)++;
            }
        }
        pac_read_leave(&p->read, inner);
    }
    pac_read_leave(&p->read, mark);
}

static bool read_cidr(struct parse *p, const json_t *v, struct cidr *out)
{
    struct str text;
    if (!pac_read_text(&p->read, v, &text))
        return false;
    if (cidr_parse(text, out) == OK)
        return true;
    pac_read_fault(&p->read, "bad-network",
                   "This is not a network like 10.0.0.0/8 or 2001:db8::/32 (bits behind the "
                   "length must be zero).");
    return false;
}

static void read_nets(struct parse *p, const json_t *o, uint16_t route, struct pac_raw *raw)
{
    json_t *list = pac_read_array(&p->read, o, "networks");
    size_t mark = pac_read_enter(&p->read, "networks");
    for (size_t i = 0; i < json_array_size(list) && !p->no_memory; i++) {
        size_t inner = pac_read_enter_at(&p->read, i);
        struct pac_raw_net *e = &raw->nets[raw->n_nets];
        if (read_cidr(p, json_array_get(list, i), &e->net)) {
            e->route = route;
            e->pointer = here(p);
            raw->n_nets++;
        }
        pac_read_leave(&p->read, inner);
    }
    pac_read_leave(&p->read, mark);
}

static void read_lists(struct parse *p, const json_t *o, uint16_t route, struct pac_raw *raw)
{
    read_names(p, o, true, route, raw);
    read_names(p, o, false, route, raw);
    read_nets(p, o, route, raw);
}

static void read_schemes(struct parse *p, const json_t *o, struct pac_profile *out)
{
    json_t *list = pac_read_array(&p->read, o, "schemes");
    struct str *schemes = get(p, p->keep, json_array_size(list) * sizeof *schemes);
    size_t mark = pac_read_enter(&p->read, "schemes");
    for (size_t i = 0; schemes && i < json_array_size(list); i++) {
        struct str text;
        size_t inner = pac_read_enter_at(&p->read, i);
        if (pac_read_text(&p->read, json_array_get(list, i), &text)) {
            bool ok = is_name_text(text, "+.-") && str_find(STR("+.-"), text.p[0]) == STR_NPOS;
            char lower[64];
            for (size_t k = 0; ok && k < text.n; k++)
                lower[k] = str_lower(text.p[k]);
            if (ok)
                schemes[out->n_schemes++] = keep(p, str_make(lower, text.n));
            else
                pac_read_fault(&p->read, "bad-scheme", "This is not a URL scheme like ftp.");
        }
        pac_read_leave(&p->read, inner);
    }
    pac_read_leave(&p->read, mark);
    out->schemes = schemes;
}

static void read_ports(struct parse *p, const json_t *o, struct pac_profile *out)
{
    json_t *list = pac_read_array(&p->read, o, "ports");
    uint16_t *ports = get(p, p->keep, json_array_size(list) * sizeof *ports);
    size_t mark = pac_read_enter(&p->read, "ports");
    for (size_t i = 0; ports && i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        json_int_t port = json_integer_value(v);
        size_t inner = pac_read_enter_at(&p->read, i);
        if (json_is_integer(v) && port > 0 && port < 65536)
            ports[out->n_ports++] = (uint16_t)port;
        else
            pac_read_fault(&p->read, "bad-port", "A port is a whole number from 1 to 65535.");
        pac_read_leave(&p->read, inner);
    }
    pac_read_leave(&p->read, mark);
    out->ports = ports;
}

static void read_direct(struct parse *p, const json_t *o, struct pac_raw *raw,
                        struct pac_profile *out)
{
    static const char *const keys[] = {"domains", "exact", "networks", "schemes", "ports", NULL};
    const json_t *v = json_object_get(o, "direct");
    if (!v)
        return;
    size_t mark = pac_read_enter(&p->read, "direct");
    if (pac_read_object(&p->read, v, keys)) {
        read_lists(p, v, PAC_ROUTE_DIRECT, raw);
        read_schemes(p, v, out);
        read_ports(p, v, out);
    }
    pac_read_leave(&p->read, mark);
}

static void read_route(struct parse *p, const json_t *v, uint16_t index, struct pac_raw *raw,
                       struct pac_route *routes)
{
    static const char *const keys[] = {"name",    "proxies", "sharing",  "fallback",
                                       "domains", "exact",   "networks", NULL};
    if (!pac_read_object(&p->read, v, keys))
        return;
    routes[index].name = read_label(p, v);
    read_way(p, v, &routes[index]);
    read_lists(p, v, index, raw);
    for (uint16_t i = 0; i < index; i++) {
        if (routes[index].name.n && str_eq(routes[i].name, routes[index].name))
            pac_read_fault(&p->read, "same-name", "Another route has this name.");
    }
}

static void read_routes(struct parse *p, const json_t *o, struct pac_raw *raw,
                        struct pac_profile *out)
{
    json_t *list = pac_read_array(&p->read, o, "routes");
    size_t n = json_array_size(list) + 2;
    size_t mark = pac_read_enter(&p->read, "routes");
    if (n > PAC_ROUTES_MAX) {
        pac_read_fault(&p->read, "too-many", "At most %d routes.", PAC_ROUTES_MAX - 2);
        n = PAC_ROUTES_MAX;
    }
    struct pac_route *routes = get(p, p->keep, n * sizeof *routes);
    if (routes) {
        routes[PAC_ROUTE_DIRECT] = (struct pac_route){.name = STR("direct"), .then_direct = true};
        routes[PAC_ROUTE_DEFAULT].name = STR("default");
        pac_read_leave(&p->read, mark);
        read_way(p, o, &routes[PAC_ROUTE_DEFAULT]);
        mark = pac_read_enter(&p->read, "routes");
    }
    for (size_t i = 2; routes && i < n; i++) {
        size_t inner = pac_read_enter_at(&p->read, i - 2);
        read_route(p, json_array_get(list, i - 2), (uint16_t)i, raw, routes);
        pac_read_leave(&p->read, inner);
    }
    pac_read_leave(&p->read, mark);
    out->routes = routes;
    out->n_routes = routes ? n : 0;
}

static size_t count_in(const json_t *o, const char *key)
{
    return json_array_size(json_object_get(o, key));
}

/* Room for all raw entries of a profile: the lists of "direct" and of every route. */
static bool raw_init(struct parse *p, const json_t *o, struct pac_raw *raw)
{
    const json_t *direct = json_object_get(o, "direct"), *routes = json_object_get(o, "routes");
    size_t exact = 1 + count_in(direct, "exact"), suffix = 1 + count_in(direct, "domains");
    size_t nets = 1 + count_in(direct, "networks");
    for (size_t i = 0; i < json_array_size(routes); i++) {
        const json_t *route = json_array_get(routes, i);
        exact += count_in(route, "exact");
        suffix += count_in(route, "domains");
        nets += count_in(route, "networks");
    }
    *raw = (struct pac_raw){0};
    raw->exact = get(p, &p->scratch, exact * sizeof *raw->exact);
    raw->suffix = get(p, &p->scratch, suffix * sizeof *raw->suffix);
    raw->nets = get(p, &p->scratch, nets * sizeof *raw->nets);
    return !p->no_memory;
}

static void read_clients(struct parse *p, const json_t *o, struct pac_profile *out)
{
    json_t *list = pac_read_array(&p->read, o, "networks");
    size_t n = json_array_size(list);
    size_t mark = pac_read_enter(&p->read, "networks");
    if (n > CLIENT_NETS_MAX) {
        pac_read_fault(&p->read, "too-many", "At most %d client networks.", CLIENT_NETS_MAX);
        n = CLIENT_NETS_MAX;
    }
    struct cidr *nets = get(p, p->keep, n * sizeof *nets);
    for (size_t i = 0; nets && i < n; i++) {
        size_t inner = pac_read_enter_at(&p->read, i);
        if (read_cidr(p, json_array_get(list, i), &nets[out->n_networks]))
            out->n_networks++;
        pac_read_leave(&p->read, inner);
    }
    pac_read_leave(&p->read, mark);
    out->networks = nets;
}

/* About what pac_emit will write: the lists are nearly all of it. */
static size_t file_bytes(const struct pac_profile *p)
{
    size_t n = 4096 + p->n_v4 * 24 + p->n_v6 * 76;
    for (size_t i = 0; i < p->n_exact; i++)
        n += p->exact[i].name.n + 1;
    for (size_t i = 0; i < p->n_suffix; i++)
        n += p->suffix[i].name.n + 1;
    return n;
}

static void check_size(struct parse *p, const struct pac_profile *profile)
{
    size_t n = file_bytes(profile);
    if (n > PAC_MAX_BYTES)
        pac_read_fault(&p->read, "too-large",
                       "The file would have about %zu kB; browsers stop reading at 1,000 kB.",
                       n / 1000);
    else if (n > PAC_WARN_BYTES)
        pac_read_warning(&p->read, "large",
                         "The file has about %zu kB; some clients and middle boxes stop at 256 kB.",
                         n / 1000);
}

static void read_profile(struct parse *p, const json_t *v, struct pac_profile *out)
{
    static const char *const keys[] = {
        "name",   "networks", "proxies",       "sharing", "fallback", "plain_names_direct",
        "direct", "routes",   "resolve_names", NULL};
    struct pac_raw raw;
    if (!pac_read_object(&p->read, v, keys) || !raw_init(p, v, &raw))
        return;
    out->name = read_label(p, v);
    read_clients(p, v, out);
    out->is_plain_direct = pac_read_bool(&p->read, v, "plain_names_direct", true);
    out->may_resolve = pac_read_bool(&p->read, v, "resolve_names", false);
    if (out->may_resolve)
        pac_read_warning(&p->read, "resolves-names",
                         "Browsers will ask DNS for every new host before they can go on.");
    read_direct(p, v, &raw, out);
    read_routes(p, v, &raw, out);
    if (!p->no_memory && pac_table_fill(&raw, p->keep, p->read.report, out) != OK)
        p->no_memory = true;
    if (!p->no_memory)
        check_size(p, out);
}

/* Names are told apart, no client network stands twice, one profile is for everybody else. */
static void check_profiles(struct parse *p, const struct pac_model *m)
{
    size_t n_open = 0;
    for (size_t i = 0; i < m->n_profiles; i++) {
        const struct pac_profile *a = &m->profiles[i];
        n_open += a->n_networks == 0;
        size_t mark = pac_read_enter_at(&p->read, i);
        for (size_t k = 0; k < i; k++) {
            const struct pac_profile *b = &m->profiles[k];
            if (a->name.n > 0 && str_eq(a->name, b->name))
                pac_read_fault(&p->read, "same-name", "Another profile has this name.");
            for (size_t x = 0; x < a->n_networks * b->n_networks; x++) {
                const struct cidr *c = &a->networks[x / b->n_networks];
                const struct cidr *d = &b->networks[x % b->n_networks];
                if (c->bits == d->bits && ip_eq(&c->ip, &d->ip))
                    pac_read_fault(&p->read, "same-network",
                                   "A client network stands in another profile as well.");
            }
        }
        pac_read_leave(&p->read, mark);
    }
    if (n_open != 1)
        pac_read_fault(&p->read, "no-default",
                       "Just one profile must have no networks: the one for all other clients.");
}

static void read_document(struct parse *p, const json_t *root, struct pac_model *m)
{
    static const char *const keys[] = {"url", "profiles", NULL};
    if (!pac_read_object(&p->read, root, keys))
        return;
    m->url = keep(p, pac_read_str(&p->read, root, "url"));
    size_t mark = pac_read_enter(&p->read, "url");
    if (m->url.n > 0 && !pac_model_url_ok(m->url))
        pac_read_fault(&p->read, "bad-url", "This is not a plain http or https URL.");
    pac_read_leave(&p->read, mark);
    json_t *list = pac_read_array(&p->read, root, "profiles");
    size_t n = json_array_size(list);
    mark = pac_read_enter(&p->read, "profiles");
    if (n > PAC_PROFILES_MAX) {
        pac_read_fault(&p->read, "too-many", "At most %d profiles.", PAC_PROFILES_MAX);
        n = PAC_PROFILES_MAX;
    }
    struct pac_profile *profiles = get(p, p->keep, n * sizeof *profiles);
    for (size_t i = 0; profiles && i < n && !p->no_memory; i++) {
        size_t inner = pac_read_enter_at(&p->read, i);
        read_profile(p, json_array_get(list, i), &profiles[i]);
        pac_read_leave(&p->read, inner);
    }
    m->profiles = profiles;
    m->n_profiles = profiles ? n : 0;
    if (!p->no_memory)
        check_profiles(p, m);
    pac_read_leave(&p->read, mark);
}

static json_t *load(struct str document, struct report *r)
{
    json_error_t why;
    if (document.n > PAC_DOCUMENT_MAX) {
        report_fault(r, "", "too-large", "The document is larger than %u bytes.", PAC_DOCUMENT_MAX);
        return NULL;
    }
    json_t *root =
        json_loadb(document.p ? document.p : "", document.n, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        report_fault(r, "", "bad-json", "Line %d, column %d: %s.", why.line, why.column, why.text);
    return root;
}

enum err pac_parse(struct str document, struct report *report, struct pac_model **out)
{
    report_init(report);
    json_t *root = load(document, report);
    if (!root)
        return ERR_INVALID;
    enum err e = ERR_NOMEM;
    struct pac_model *m = pac_model_new();
    if (m) {
        struct parse p = {.read = {.report = report}, .keep = pac_model_arena(m)};
        arena_init(&p.scratch, 65536, SCRATCH_CEILING);
        read_document(&p, root, m);
        arena_fini(&p.scratch);
        e = p.no_memory ? ERR_NOMEM : report_has_faults(report) ? ERR_INVALID : OK;
    }
    json_decref(root);
    if (e == OK)
        *out = m;
    else
        pac_model_unref(m);
    return e;
}
