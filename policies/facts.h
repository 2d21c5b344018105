/* facts: what is known of one request when the policy is asked. Facts arrive in stages, each dearer
 * than the last; a stage that is not in `known` is unknown and its members are not looked at.
 * Borrows: all views belong to the request and live as long as it does.
 * Threads: one request, one thread. */
#ifndef POLICIES_FACTS_H
#define POLICIES_FACTS_H

#include "base/cidr.h"
#include "base/str.h"

enum facts_stage {                /* in the order of their cost */
                   FACTS_CONNECT, /* listener, client address, time: always known */
                   FACTS_TARGET, /* method, scheme, host, port, and so the categories of the host */
                   FACTS_IDENTITY, /* user, groups; costs a 407 and a directory answer */
                   FACTS_ADDRESS,  /* the server's address; costs a DNS answer */
                   FACTS_URL,      /* full URL, User-Agent; for CONNECT it costs opening the TLS */
                   FACTS_ANSWER,   /* status, content type, size of the answer */
                   FACTS_CONTENT,  /* what the bytes are */
                   FACTS_N_STAGES,
};
#define FACTS_BIT(stage) (1u << (stage))

enum facts_scheme { FACTS_HTTP, FACTS_HTTPS, FACTS_TUNNEL /* CONNECT, inside not seen */ };

struct facts {
    unsigned known; /* FACTS_BIT of every stage that is known, or can never be known and is final */
    /* connect */
    struct str listener; /* its name: the `listen` text of the bootstrap file */
    struct ip client;
    int64_t now_ms; /* Unix time; schedules are judged by it */
    /* target */
    struct str method;
    struct str host; /* normal form (base/host.h) */
    bool host_is_ip;
    struct ip host_ip;
    uint16_t port;
    enum facts_scheme scheme;
    /* identity */
    struct str user; /* empty: known to be nobody */
    const struct str *groups;
    size_t n_groups;
    const struct str *group_paths; /* of each group how it was reached ("all<eng<team"), for people
                                      to read; NULL: not known */
    uint64_t person; /* a number that stands for this user with these groups and for no other pair
                        wherever the same snapshot is asked; 0: none given (slower) */
    /* address */
    struct ip server;
    /* url */
    struct str url; /* normal form (base/url.h) */
    struct str user_agent;
    /* answer */
    uint16_t status;
    struct str content_type; /* lower case, without parameters */
    uint64_t size_bytes;     /* UINT64_MAX: not told */
};

#endif
