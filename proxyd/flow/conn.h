/* conn: one client connection: reads for the request that runs on it, starts the next one, rests
 * between them without a buffer, and ends. One request at a time; what a client sends ahead waits.
 * Owner: the worker; conn_ functions may free it. Threads: one worker. */
#ifndef PROXYD_FLOW_CONN_H
#define PROXYD_FLOW_CONN_H

#include "proxyd/identity/identity.h"
#include "proxyd/io/bufpool.h"
#include "proxyd/io/stream_fd.h"

struct limits_account;
struct worker;
struct request;

struct conn {
    struct stream_fd fd;
    struct worker *w;
    struct list in_open;   /* of the worker */
    struct iobuf *in;      /* bytes that came and are not used up; NULL at rest */
    struct request *r;     /* NULL at rest */
    struct loop_task next; /* starts the next request */
    struct timer limit;    /* at rest, and lingering */
    int64_t rest_until_ms;
    struct ip_port client;          /* after a PROXY header: the one it names */
    struct limits_account *account; /* the client's, held; NULL until a PROXY header names it */
    struct limits_account *user;    /* held; of the last request that had a user; or NULL */
    struct identity_memo who;       /* who logged in here last */
    uint64_t class_stamp;           /* of the settings class_index holds for */
    uint8_t class_index;            /* of traffic_class_of */
    bool is_over;                   /* the client has too many connections: admit_named */
    bool is_prompt;                 /* the request began when its bytes were told of */
    uint32_t n_requests;
    uint16_t listener; /* index */
    bool is_lingering; /* our side is shut, the rest is read away */
    bool is_proxy_line_due;
    uint32_t n_lingered;
};

/* Takes fd and what admit_connection counted; on failure both are given back. */
void conn_open(struct worker *w, int take_fd, const struct ip_port *client, unsigned listener,
               struct limits_account *take_account);

/* For step_head: more bytes into c->in. OK, ERR_AGAIN, ERR_EOF, ERR_CLOSED, ERR_NOMEM; ERR_LIMIT:
 * the buffer is full. */
enum err conn_read(struct conn *c) MUST_CHECK;

enum conn_end {
    CONN_KEEP,   /* the next request may come */
    CONN_LINGER, /* ends; what still comes is read away, so that the answer is not lost */
    CONN_CLOSE,  /* ends; nothing more will come */
    CONN_CUT,    /* reset: the answer was not complete */
};
/* The request on it is over. */
void conn_request_over(struct conn *c, enum conn_end end);

/* Closes at once; a running request must have ended. */
void conn_close(struct conn *c, bool is_abort);

/* The worker drains and c is at rest: closes it; one that asked for nothing yet, since its first
 * request may be on the way, gets at most first_ms for it. */
void conn_drain(struct conn *c, uint32_t first_ms);

#endif
