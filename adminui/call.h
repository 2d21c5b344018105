/* call: one request to the API as a handler sees it, and the answer it fills in. Built by exchange,
 * run on a worker thread, answered by exchange. Handlers read parameters and body through the
 * functions here and answer through reply_* (reply.h) and problem_* (problem.h).
 * Owner: the exchange; everything a handler borrows from it lives until the answer is sent.
 * Threads: one at a time. Limit: CALL_BODY_MAX for JSON,
 * CALL_DOCUMENT_MAX for policy documents, CALL_RAW_MAX for uploads. */
#ifndef ADMINUI_CALL_H
#define ADMINUI_CALL_H

#include <jansson.h>

#include "adminui/caller.h"
#include "adminui/query.h"
#include "base/buf.h"
#include "base/report.h"

#define CALL_BODY_MAX     (1u << 20)
#define CALL_DOCUMENT_MAX (32u << 20)
#define CALL_RAW_MAX      (1u << 30)
#define CALL_REPLY_MAX    (256u << 20)
#define CALL_DEPTH_MAX    32

struct app;
struct desk;
struct route;
struct outflow;

struct reply {
    unsigned status;
    const char *type; /* static */
    struct buf body;
    char etag[64];                         /* with its quotes; empty: none */
    char *location, *cookie, *disposition; /* NULL: none; freed with the reply */
    char *allow;
    unsigned retry_after_s;
    struct outflow *stream; /* the body comes from here instead; the reply owns it */
    bool has_file;          /* or from here: the reply owns the descriptor */
    int file_fd;
    uint64_t file_bytes;
    const char *slug; /* of the problem, NULL when it went well */
};

struct call {
    struct app *app;
    struct desk *desk; /* this thread's databases; set by the worker */
    const struct route *route;
    struct arena arena;
    struct str method, path;
    struct str params[2]; /* of the path pattern, decoded */
    struct query query;
    struct str if_match, if_none_match, last_event_id, cookie, user_agent;
    struct caller caller;
    bool is_tls;
    char address[64];    /* of the peer, without port; empty: unix socket */
    char request_id[17]; /* also in the answer */
    struct buf body;     /* of a JSON route */
    char *upload;        /* path of the spooled body of a raw route; unlinked with the call unless
                            the handler takes it (sets it to NULL) */
    uint64_t upload_bytes;
    json_t *json; /* parsed body, an object; NULL when the route takes none */
    /* for the audit row of an unsafe call, written in its transaction */
    char *audit_object;
    json_t *audit_before, *audit_after;
    void *after; /* what the route's `after` needs; owned by the pair of handlers */
    struct reply reply;
};

void call_init(struct call *c, struct app *app);
void call_fini(struct call *c);

/* Parses body into json: UTF-8, no duplicate names, depth bound, an object. Answers the problem
 * itself and returns false when it is not that. */
bool call_parse_json(struct call *c);

/* A query parameter; the default when absent. */
struct str call_query(const struct call *c, const char *name, struct str otherwise);
/* False, and the problem is answered, when it is there and no number in the range. */
bool call_query_number(struct call *c, const char *name, uint64_t max, uint64_t *value);
/* As call_query_number: RFC 3339 or such as "now-24h" as Unix ms; absent leaves it alone. */
bool call_query_time(struct call *c, const char *name, int64_t *at_ms);
/* As call_query_number: the cursor of a list whose cursor is the number of its last row. */
bool call_query_cursor(struct call *c, uint64_t *before);

/* For the audit row; object is copied, the trees are taken. */
void call_audit(struct call *c, struct str object, json_t *before, json_t *after);

/* Strong ETag of a version number: "k7" with quotes. */
void call_etag(char out[64], const char *kind, uint64_t version);
/* If-Match against the current tag: true when it fits. Answers 428 or 412 itself. */
bool call_if_match(struct call *c, const char *current);
/* If-None-Match: true when the client has it; 304 is answered then. */
bool call_not_modified(struct call *c, const char *current);

#endif
