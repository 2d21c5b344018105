/* request: one request on its way from head to record. The table in request.c names every state,
 * its step, its time limit and the states it may lead to; a step returns the next state, or its own
 * to wait. Only request.c writes `state`.
 * Owner: the worker; request_run may free it. Borrows: everything in `k` lives until the request
 * ends or turns into a tunnel; heads point into the connection's buffer.
 * Threads: one worker. See: request.c for the table, work.h for what the steps share. */
#ifndef PROXYD_FLOW_REQUEST_H
#define PROXYD_FLOW_REQUEST_H

#include "base/record.h"
#include "proxyd/flow/fault.h"
#include "proxyd/flow/policy_hold.h"
#include "proxyd/io/pump.h"
#include "proxyd/io/timer.h"
#include "proxyd/upstream/pool.h"

struct conn;
struct worker;
struct meter;
struct work;

enum request_state {
    REQUEST_HEAD,     /* the head is being read */
    REQUEST_PACE,     /* over its rate: waits for its turn */
    REQUEST_DECIDE,   /* the policy is asked */
    REQUEST_IDENTIFY, /* who is it? */
    REQUEST_RESOLVE,  /* which addresses? */
    REQUEST_INSPECT,  /* what is inside the tunnel? */
    REQUEST_LOCAL,    /* answered by us: PAC, health, continue links */
    REQUEST_PAGE,     /* a page is made: blocked, warned, login, error */
    REQUEST_ROUTE,    /* a kept connection, or which way */
    REQUEST_CONNECT,  /* dialling */
    REQUEST_PARENT,   /* a parent proxy is asked for a tunnel */
    REQUEST_FETCH,    /* request out, waiting for the answer's head */
    REQUEST_RELAY,    /* the answer goes to the client */
    REQUEST_TUNNEL,   /* bytes both ways */
    REQUEST_REPLY,    /* our page goes to the client */
    REQUEST_LOG,      /* the record */
    REQUEST_END,
    REQUEST_N_STATES,
};

struct request {
    struct worker *w;
    struct conn *conn;
    struct work *k;           /* NULL once it is a slim tunnel */
    struct policy_hold *hold; /* the same */
    enum request_state state;
    bool is_running; /* inside request_run */
    bool is_again;   /* something happened meanwhile */
    bool is_timed_out;
    bool is_tunnel;
    bool is_keep;      /* the client's connection goes on afterwards */
    bool is_head_sent; /* bytes of a final answer may have gone to the client */
    bool is_cut;       /* the client must see that the answer is not complete */
    bool is_silent;    /* no record: nothing was asked or answered */
    bool is_offered;   /* its record is in the journal and not decided: entry.h */
    uint8_t verdict;   /* enum record_verdict */
    uint8_t counted;   /* on which accounts: admit.c */
    uint16_t status;   /* sent, or about to be */
    uint32_t tunnel_ms;
    int64_t began_ms; /* monotonic, head complete */
    int64_t deadline_ms;
    uint64_t id;       /* of the record; 0: none given yet */
    uint64_t up_lead;  /* bytes of the head we wrote upstream, not the client's */
    uint64_t bytes_in; /* besides what the pumps count */
    uint64_t bytes_out;
    struct timer limit;
    struct loop_task again; /* a long transfer takes its next share */
    struct pump up, down;
    struct upstream *up_conn; /* of a tunnel */
    struct str slim;          /* record of a tunnel, encoded, on the heap */
    struct meter *meter;      /* NULL: nothing is measured */
    const char *effect;       /* for the record: what a rule has done besides; static */
    const char *error;        /* token for the record when something went wrong late; static */
};

/* A request whose head is about to be read. NULL: out of memory. */
struct request *request_new(struct conn *c);

/* Goes on as far as possible; called whenever something it may wait for has happened. */
void request_run(struct request *r);

/* For steps: what comes next is a page about this. */
enum request_state request_refuse(struct request *r, enum fault f);
/* For steps: nothing more can be said to the client; the connection is cut after the record. */
enum request_state request_cut(struct request *r, const char *error);
/* For steps: the state's time limit begins anew. */
void request_touch(struct request *r);
/* For steps: the time limits are looked at again no later than at_ms. */
void request_look_again(struct request *r, int64_t at_ms);
/* For steps: call the step again at the end of the turn. */
void request_yield(struct request *r);
/* The record's id; given at the first call. */
uint64_t request_id(struct request *r);
/* Ends all waiting and lets go of the upstream connection (broken off, not kept). */
void request_drop_upstream(struct request *r);

/* The worker is going down: whatever state, the request ends now and leaves its record. */
void request_abort(struct request *r, const char *error);

/* The table, for its test and for the status page. */
struct request_row {
    const char *name;
    enum request_state (*step)(struct request *r);
    size_t limit_at; /* offset of the time limit in struct flow_settings */
    enum fault late; /* what the client is told; FAULT_NONE: it is cut */
    unsigned next;   /* bit per state it may lead to */
};
extern const struct request_row request_rows[REQUEST_N_STATES];

#endif
