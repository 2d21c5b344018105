/* pac_model: the PAC settings after reading: profiles, their routes, and the sorted tables that
 * both the emitted JavaScript and the C decision are made from.
 * Owner: made by pac_parse, immutable afterwards, shared by reference. Threads: safe to read and to
 * ref/unref anywhere. Borrows: every view points into the model.
 *
 * Meaning, in this order (pac_decide.c and the emitted file follow it step by step):
 *   1. an address literal is looked up among the networks of all routes, most specific first
 *   2. a name without a dot goes direct when is_plain_direct
 *   3. exact names, then the longest suffix of the domains of all routes
 *   4. direct schemes, direct ports
 *   5. when may_resolve: the IPv4 address of the name among the networks (opt-in: it costs DNS)
 *   6. the profile's own proxies (route 1) */
#ifndef PAC_PAC_MODEL_H
#define PAC_PAC_MODEL_H

#include "base/cidr.h"
#include "base/str.h"

#define PAC_PROXIES_MAX  16 /* in one route */
#define PAC_ROUTES_MAX   64 /* in one profile, with direct and default */
#define PAC_PROFILES_MAX 64
#define PAC_WEIGHT_MAX   8
#define PAC_TRIED_MAX    4 /* proxies named in one answer when sharing by host */

enum pac_kind { PAC_HTTP, PAC_HTTPS, PAC_SOCKS5, PAC_SOCKS4 };

struct pac_proxy {
    enum pac_kind kind;
    struct str host; /* normal form; empty: the address the file was asked at (struct pac_self) */
    uint16_t port;   /* 0 only with an empty host: the proxy port of pac_self */
    uint8_t weight;  /* 1..PAC_WEIGHT_MAX, for sharing by host */
};

enum pac_sharing {
    PAC_FAILOVER, /* always in the order given */
    PAC_BY_HOST,  /* rendezvous hashing: one host keeps one proxy, the others stand behind it */
};

enum { PAC_ROUTE_DIRECT, PAC_ROUTE_DEFAULT }; /* the two routes every profile has; others follow */

struct pac_route {
    struct str name; /* "direct", "default", or the admin's */
    const struct pac_proxy *proxies;
    size_t n_proxies;
    enum pac_sharing sharing;
    bool then_direct; /* "DIRECT" is the last entry of the answer */
};

struct pac_name { /* tables are sorted by str_cmp, no name twice */
    struct str name;
    uint16_t route;
};
struct pac_range4 { /* sorted, disjoint */
    uint32_t lo, hi;
    uint16_t route;
};
struct pac_range6 {
    struct ip lo, hi;
    uint16_t route;
};

struct pac_profile {
    struct str name; /* letters, digits, space, "._-" */
    const struct cidr *networks;
    size_t n_networks; /* 0: the profile for everybody else; there is exactly one such */
    const struct pac_route *routes;
    size_t n_routes; /* at least 2 */
    const struct pac_name *exact, *suffix;
    size_t n_exact, n_suffix;
    const struct pac_range4 *v4;
    const struct pac_range6 *v6;
    size_t n_v4, n_v6;
    const struct str *schemes; /* lower case */
    size_t n_schemes;
    const uint16_t *ports;
    size_t n_ports;
    bool is_plain_direct;
    bool may_resolve;
};

struct pac_model {
    struct str url; /* where clients are told to fetch the file; empty when not set */
    const struct pac_profile *profiles;
    size_t n_profiles;
    struct pac_store *store; /* the memory all of this lives in, and the reference count */
};

struct arena;

/* For pac_parse alone: an empty model with one reference (NULL: no memory), and where to put its
 * parts. */
struct pac_model *pac_model_new(void);
struct arena *pac_model_arena(struct pac_model *m);

struct pac_model *pac_model_ref(struct pac_model *m);
void pac_model_unref(struct pac_model *m); /* NULL is fine */

/* The profile for a client: the most specific network that has the address, else the one without
 * networks. */
size_t pac_model_profile_for(const struct pac_model *m, const struct ip *client);

/* ERR_NOT_FOUND. */
enum err pac_model_profile_named(const struct pac_model *m, struct str name,
                                 size_t *out) MUST_CHECK;

/* True for an http or https URL of plain printable ASCII that needs no escaping in a URL: what
 * clients may be told to fetch. */
bool pac_model_url_ok(struct str url);

#endif
