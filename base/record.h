/* record: one access record, the unit that proxyd writes, db stores, adminui shows and replay
 * reads. It stands in base because all of these rooms speak of it and none of them may see another.
 * Borrows: the views point into the writer's request arena or the reader's decode buffer.
 * See: the contract's "Access record" for the JSON names, which are also the log's filter names. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include "base/buf.h"
#include "base/cidr.h"

enum record_verdict {
    RECORD_ALLOWED,
    RECORD_BLOCKED,
    RECORD_WARNED,
    RECORD_DENIED_AUTH, /* 407 was the answer */
    RECORD_REFUSED,     /* malformed, over a limit, forbidden address, overload */
    RECORD_ERROR,       /* we wanted to and could not: name, connect, upstream, directory */
};
enum record_tls { RECORD_TLS_NONE, RECORD_TLS_TUNNEL, RECORD_TLS_INSPECTED };
enum record_cache {
    RECORD_CACHE_NONE,
    RECORD_CACHE_MISS,
    RECORD_CACHE_HIT,
    RECORD_CACHE_REVALIDATED
};

#define RECORD_LISTS_MAX 32 /* groups, categories or shadow rules kept in one record */

struct record {
    uint64_t id;     /* per node, without gaps */
    int64_t time_ms; /* Unix time at which the request's head was complete */
    uint32_t duration_ms;
    struct ip client;
    uint16_t client_port;
    uint16_t port;        /* of the target */
    uint16_t status;      /* sent to the client; 0 when nothing was sent */
    uint8_t verdict;      /* enum record_verdict */
    uint8_t tls;          /* enum record_tls */
    uint8_t cache;        /* enum record_cache */
    uint64_t bytes_in;    /* from the client, heads and bodies */
    uint64_t bytes_out;   /* to the client */
    uint32_t upstream_ms; /* until the upstream's head; 0 when none */
    uint64_t policy_version;
    struct str node;   /* node name from the settings */
    struct str user;   /* empty when nobody was asked */
    struct str groups; /* names separated by '\n' */
    struct str method;
    struct str url;    /* normal form (url_normal) */
    struct str scheme; /* "http", "https", "connect" */
    struct str host;   /* normal form */
    struct str content_type;
    struct str rule; /* rule id, empty when the default decided */
    struct str rule_name;
    struct str categories; /* names separated by '\n' */
    struct str shadow;     /* ids of shadow rules that would have decided otherwise, '\n' between */
    struct str upstream;   /* address:port dialled; of a parent proxy: group/host:port */
    struct str user_agent;
    struct str referer;
    struct str error;       /* short token, RFC 9209 error type where one fits */
    struct str listener;    /* text of the listen line; a fact of the decision */
    struct str group_paths; /* '\n' between; of each group how it was reached: "staff" directly,
                               "all-staff<eng<alice-team" by way of others; empty: not known */
    struct str effect;      /* what else the decision came to: "warn-continued",
                               "override-password", "override-justified", "quota-time",
                               "quota-bytes", "canary"; mostly empty */
    struct str note;        /* the justification a person gave, at most 500 bytes */
    uint64_t answer_bytes;  /* size the server announced; RECORD_NOT_TOLD: it did not */
};

#define RECORD_NOT_TOLD UINT64_MAX

const char *record_verdict_name(enum record_verdict v); /* "allowed" ... "error" */
const char *record_tls_name(enum record_tls t);
const char *record_cache_name(enum record_cache c);
bool record_verdict_from_name(struct str s, enum record_verdict *out);

/* Binary form for the journal: fixed fields, then length-prefixed strings. Strings longer than
 * 65,535 bytes are cut. Appends to out; out->failed tells. */
void record_encode(const struct record *r, struct buf *out);
/* Views point into bytes. ERR_CORRUPT. */
enum err record_decode(struct str bytes, struct record *out) MUST_CHECK;

#endif
