/* fault: everything that can go wrong with a request, as one table: the status to answer, the
 * RFC 9209 error type, how it is recorded, and the title of its page. Pure. */
#ifndef PROXYD_FLOW_FAULT_H
#define PROXYD_FLOW_FAULT_H

#include <stdint.h>

#include "base/record.h"

enum fault {
    FAULT_NONE,
    FAULT_HEAD, /* malformed; status and reason come from the parser */
    FAULT_BODY,
    FAULT_HEAD_LATE, /* head or body did not come in time */
    FAULT_LOCAL,     /* origin form, but nothing we answer */
    FAULT_LOCAL_MISSING,
    FAULT_METHOD,
    FAULT_SCHEME,
    FAULT_LOOP,
    FAULT_BUSY,
    FAULT_NO_POLICY,
    FAULT_LOG_FULL,
    FAULT_MEMORY,
    FAULT_LOGIN,         /* 407 */
    FAULT_IDENTITY_DOWN, /* the directory does not answer */
    FAULT_NAME_UNKNOWN,
    FAULT_NAME_FAILED,
    FAULT_NAME_LATE,
    FAULT_OWN_ADDRESS,
    FAULT_ADDRESS,
    FAULT_CONNECT_REFUSED,
    FAULT_CONNECT_FAILED,
    FAULT_CONNECT_LATE,
    FAULT_PARENT_UNKNOWN, /* a rule names a group that is not there */
    FAULT_PARENT_DOWN,    /* no member of the group is up */
    FAULT_PARENT_SAID,    /* it refused; reason in refusal */
    FAULT_ANSWER_LATE,
    FAULT_ANSWER_CUT,
    FAULT_ANSWER_BAD,
    FAULT_FORM_LARGE,
    FAULT_LINK, /* a continue link that is not ours or too old */
    /* over a bound (admit.h) */
    FAULT_CLIENT_CONNECTIONS,
    FAULT_CLIENT_RATE,
    FAULT_CLIENT_RUNNING,
    FAULT_CLIENT_TUNNELS,
    FAULT_USER_RATE,
    FAULT_USER_RUNNING,
    FAULT_USER_TUNNELS,
    FAULT_TOTAL,            /* of all requests that run */
    FAULT_SHARE,            /* nearly, and this client has its share of them */
    FAULT_QUEUE_DELAY,      /* requests wait too long before they are even looked at (delay.h) */
    FAULT_SLOW_UPLOAD,      /* the body comes slower than anybody's may (slow.h) */
    FAULT_USER_CONNECTIONS, /* this user is on too many connections */
    FAULT_N,
};

struct fault_row {
    uint16_t status;
    uint8_t verdict;   /* enum record_verdict */
    const char *error; /* RFC 9209 2.3 token; "" none */
    bool is_closing;   /* the connection cannot be used any more */
    bool may_retry;    /* Retry-After is worth saying */
};

extern const struct fault_row fault_rows[FAULT_N];

/* The bound that a request is over: its token in records, pages and Proxy-Status; else NULL. */
extern const char *const fault_bounds[FAULT_N];

/* What records and pages name: the bound, else the error type. */
static inline struct str fault_token(enum fault f)
{
    return str_of(fault_bounds[f] ? fault_bounds[f] : fault_rows[f].error);
}

#endif
