/* pac_decide: what the emitted file answers, computed in C from the same model, with the reason.
 * Pure. Threads: safe anywhere. See: pac_model.h for the order of the steps. */
#ifndef PAC_PAC_DECIDE_H
#define PAC_PAC_DECIDE_H

#include "pac/pac_emit.h"

enum pac_why {
    PAC_WHY_ADDRESS, /* the host is an address in a network of the route */
    PAC_WHY_PLAIN,
    PAC_WHY_EXACT,
    PAC_WHY_DOMAIN,
    PAC_WHY_SCHEME,
    PAC_WHY_PORT,
    PAC_WHY_RESOLVED, /* the name's address is in a network of the route */
    PAC_WHY_DEFAULT,
};

struct pac_query {
    struct str url, host;      /* as a browser passes them: no path needed, host without brackets */
    const struct ip *resolved; /* what DNS would say to dnsResolve(host); NULL: nothing */
};

struct pac_answer {
    enum pac_why why;
    size_t route;       /* index into the profile's routes */
    struct str matched; /* the entry that fitted, from the model or the query; may be empty */
};

/* Appends "PROXY a:3128; PROXY b:3128; DIRECT" to text. Errors as pac_emit. */
enum err pac_decide(const struct pac_input *in, const struct pac_query *q, struct buf *text,
                    struct pac_answer *out) MUST_CHECK;

const char *pac_decide_why_name(enum pac_why w); /* "address" "plain-name" "exact" ... */

#endif
