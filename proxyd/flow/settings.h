/* settings: everything of the flow that an administrator sets, as one immutable value: time limits
 * of the states, bounds, texts. Made by proxyd/main from the stored document. Owner: the flow_set
 * it is part of (policy_hold.h). Threads: read-only. */
#ifndef PROXYD_FLOW_SETTINGS_H
#define PROXYD_FLOW_SETTINGS_H

#include "base/privacy.h"
#include "base/traffic.h"
#include "proxyd/wire/http_head.h"

struct flow_settings {
    struct str node;    /* name in Via, Proxy-Status and records; a token */
    struct str realm;   /* of the login prompt */
    struct str contact; /* shown on pages: whom to ask; may be empty */
    struct str note;    /* a sentence of the house shown on block pages; may be empty */

    /* time limits, ms; each row of the table of states names one of them */
    uint32_t head_ms;     /* from the first byte of a head to its end */
    uint32_t idle_ms;     /* a kept client connection between two requests */
    uint32_t identity_ms; /* the directory's answer */
    uint32_t resolve_ms;
    uint32_t connect_ms;  /* all attempts together */
    uint32_t answer_ms;   /* from the request's end to the answer's head */
    uint32_t body_ms;     /* no byte moved in either direction of a body */
    uint32_t tunnel_ms;   /* no byte moved in a tunnel */
    uint32_t pace_ms;     /* waiting for its turn; more than traffic.delay_ms */
    uint32_t reply_ms;    /* a page of ours being taken */
    uint32_t pool_ms;     /* an idle kept upstream connection */
    uint32_t drain_ms;    /* after SIGTERM */
    uint32_t continue_ms; /* how long a "continue" on a warning is remembered */

    /* bounds */
    uint32_t max_clients;       /* client connections of the process */
    uint32_t max_pool;          /* idle upstream connections of a worker */
    uint32_t max_pool_per_host; /* of one host and port */
    uint32_t drain_body_bytes;  /* of a refused request's body read away to keep the connection */
    uint64_t memory_bytes;      /* of all that runs; 0: worker_shared.memory_bytes */
    struct http_limits head;

    struct traffic traffic; /* of one client, one user, all; client.connections too */

    struct privacy_settings privacy; /* what requests tell, by listener */

    bool refuse_when_log_full; /* else the record is dropped and counted */
};

/* The values that hold until an administrator stores others. */
void flow_settings_default(struct flow_settings *out);

#endif
