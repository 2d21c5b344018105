/* leak: reads the head a server got and says of each field what it tells: the judge of the privacy
 * test. It knows the marks that were planted in what the client sent, and the words by which people
 * and judges in the net recognise proxies; it shares no table with what drops fields (wire/veil),
 * so that a field forgotten there is found here. Pure. */
#ifndef PROXYD_WIRE_LEAK_H
#define PROXYD_WIRE_LEAK_H

#include "base/privacy.h"
#include "proxyd/wire/headers.h"

enum leak {
    LEAK_NOTHING,
    LEAK_PROXY,       /* that a proxy is in use */
    LEAK_THIS_PROXY,  /* and which: our pseudonym */
    LEAK_INNER_PROXY, /* a proxy before us, told by what the client sent */
    LEAK_PERSON,      /* who the client is */
    LEAK_CLAIM,       /* an address or a name that the client claims to have */
    LEAK_CLIENT,      /* the client's own address */
};

struct leak_marks { /* texts; an empty one is not looked for */
    struct str client, claim, person, inner_proxy, this_proxy;
};

enum leak leak_of(struct str name, struct str value, const struct leak_marks *m);
const char *leak_name(enum leak l); /* "nothing", "proxy", "this-proxy", ... */

/* Does this break what the mode promises? is_ours: the client has not sent it. */
bool leak_breaks(enum privacy_mode mode, bool is_trusted, enum leak l, bool is_ours);

#endif
