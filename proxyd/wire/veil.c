/* veil: fields by number as masks, by name as one list; most names are told apart by their first
 * letter and length. */
#include "proxyd/wire/veil.h"

#define BIT HEADER_BIT

#define CLIENT_IDS                                                                                 \
    (BIT(HEADER_FORWARDED) | BIT(HEADER_X_FORWARDED_FOR) | BIT(HEADER_X_FORWARDED_HOST) |          \
     BIT(HEADER_X_FORWARDED_PROTO) | BIT(HEADER_X_REAL_IP))
#define PROXY_IDS (BIT(HEADER_VIA) | BIT(HEADER_PROXY_STATUS) | BIT(HEADER_AGE))

struct veil veil_of(enum privacy_mode mode, bool is_trusted)
{
    switch (mode) {
    case PRIVACY_VIA: break;
    case PRIVACY_NAMED:
        if (!is_trusted)
            return (struct veil){.drop = CLIENT_IDS, .classes = VEIL_CLIENT | VEIL_PERSON};
        break;
    case PRIVACY_ANONYMOUS:
        return (struct veil){.drop = CLIENT_IDS | PROXY_IDS | BIT(HEADER_FROM),
                             .classes = VEIL_CLIENT | VEIL_PERSON | VEIL_PROXY};
    case PRIVACY_HIGH_ANONYMITY:
        return (struct veil){.drop = CLIENT_IDS | PROXY_IDS | BIT(HEADER_FROM),
                             .classes = VEIL_CLIENT | VEIL_PERSON | VEIL_PROXY,
                             .is_in_place = true};
    }
    return (struct veil){0};
}

#define WHOLE(name, class)                                                                         \
    {                                                                                              \
        name, sizeof(name) - 1, class, false                                                       \
    }
#define BEGIN(name, class)                                                                         \
    {                                                                                              \
        name, sizeof(name) - 1, class, true                                                        \
    }

/* Lower case, '_' as '-': many servers make one name of both. What products put into requests to
 * tell where they came from. */
static const struct telling {
    char text[28];
    uint8_t n, class;
    bool is_prefix;
} tellings[] = {
    BEGIN("x-forwarded", VEIL_CLIENT),
    BEGIN("proxy-", VEIL_PROXY),
    BEGIN("x-proxy", VEIL_PROXY),
    BEGIN("x-cache", VEIL_PROXY),
    BEGIN("x-ssl-client", VEIL_PERSON),
    WHOLE("x-forward-for", VEIL_CLIENT),
    WHOLE("x-original-forwarded-for", VEIL_CLIENT),
    WHOLE("x-originally-forwarded-for", VEIL_CLIENT),
    WHOLE("forwarded-for", VEIL_CLIENT),
    WHOLE("forwarded-for-ip", VEIL_CLIENT),
    WHOLE("x-client", VEIL_CLIENT),
    WHOLE("x-client-ip", VEIL_CLIENT),
    WHOLE("x-clientip", VEIL_CLIENT),
    WHOLE("x-client-port", VEIL_CLIENT),
    WHOLE("x-cluster-client-ip", VEIL_CLIENT),
    WHOLE("x-real-ip", VEIL_CLIENT), /* with an underscore: it has a number otherwise */
    WHOLE("x-real-port", VEIL_CLIENT),
    WHOLE("x-remote-ip", VEIL_CLIENT),
    WHOLE("x-remote-addr", VEIL_CLIENT),
    WHOLE("x-source-ip", VEIL_CLIENT),
    WHOLE("x-originating-ip", VEIL_CLIENT),
    WHOLE("x-host", VEIL_CLIENT),
    WHOLE("x-original-host", VEIL_CLIENT),
    WHOLE("x-coming-from", VEIL_CLIENT),
    WHOLE("x-azure-clientip", VEIL_CLIENT),
    WHOLE("x-azure-socketip", VEIL_CLIENT),
    WHOLE("x-appengine-user-ip", VEIL_CLIENT),
    WHOLE("x-envoy-external-address", VEIL_CLIENT),
    WHOLE("x-nokia-ipaddress", VEIL_CLIENT),
    WHOLE("client-ip", VEIL_CLIENT),
    WHOLE("clientip", VEIL_CLIENT),
    WHOLE("coming-from", VEIL_CLIENT),
    WHOLE("remote-addr", VEIL_CLIENT),
    WHOLE("true-client-ip", VEIL_CLIENT),
    WHOLE("cf-connecting-ip", VEIL_CLIENT),
    WHOLE("cf-connecting-ipv6", VEIL_CLIENT),
    WHOLE("cf-pseudo-ipv4", VEIL_CLIENT),
    WHOLE("cf-ipcountry", VEIL_CLIENT),
    WHOLE("fastly-client-ip", VEIL_CLIENT),
    WHOLE("fly-client-ip", VEIL_CLIENT),
    WHOLE("wl-proxy-client-ip", VEIL_CLIENT),
    WHOLE("x-authenticated-user", VEIL_PERSON),
    WHOLE("x-authenticated-groups", VEIL_PERSON),
    WHOLE("x-remote-user", VEIL_PERSON),
    WHOLE("remote-user", VEIL_PERSON),
    WHOLE("x-webauth-user", VEIL_PERSON),
    WHOLE("x-client-user", VEIL_PERSON),
    WHOLE("x-client-username", VEIL_PERSON),
    WHOLE("x-uidh", VEIL_PERSON),
    WHOLE("x-acr", VEIL_PERSON),
    WHOLE("x-msisdn", VEIL_PERSON),
    WHOLE("x-nokia-msisdn", VEIL_PERSON),
    WHOLE("x-up-calling-line-id", VEIL_PERSON),
    WHOLE("x-up-subno", VEIL_PERSON),
    WHOLE("x-via", VEIL_PROXY),
    WHOLE("x-bluecoat-via", VEIL_PROXY),
    WHOLE("x-imforwards", VEIL_PROXY),
    WHOLE("x-loop-control", VEIL_PROXY),
    WHOLE("x-mcproxyfilter", VEIL_PROXY),
    WHOLE("x-squid-error", VEIL_PROXY),
    WHOLE("x-varnish", VEIL_PROXY),
    WHOLE("xproxy-connection", VEIL_PROXY),
    WHOLE("xroxy-connection", VEIL_PROXY),
    WHOLE("mt-proxy-id", VEIL_PROXY),
    WHOLE("http-via", VEIL_PROXY),
    WHOLE("cdn-loop", VEIL_PROXY),
    WHOLE("cf-ray", VEIL_PROXY),
    WHOLE("cf-visitor", VEIL_PROXY),
    WHOLE("cf-worker", VEIL_PROXY),
    WHOLE("surrogate-capability", VEIL_PROXY),
};

#define LETTER(c) (UINT32_C(1) << ((c) - 'a'))
#define FIRST_LETTERS                                                                              \
    (LETTER('c') | LETTER('f') | LETTER('h') | LETTER('m') | LETTER('p') | LETTER('r') |           \
     LETTER('s') | LETTER('t') | LETTER('w') | LETTER('x'))

unsigned veil_class_of(struct str name)
{
    unsigned first = name.n ? ((unsigned char)name.p[0] | 0x20u) - 'a' : 31;
    if (first > 25 || !(FIRST_LETTERS >> first & 1))
        return 0;
    for (size_t i = 0; i < sizeof tellings / sizeof *tellings; i++) {
        const struct telling *t = &tellings[i];
        if (t->is_prefix ? name.n < t->n : name.n != t->n)
            continue;
        if (header_is_like(str_sub(name, 0, t->n), str_make(t->text, t->n)))
            return t->class;
    }
    return 0;
}
