/* router: from method and path to a row of the table. A pattern is a path with {name} segments, a
 * verb may follow: "/policy/versions/{version}:rollback". Pure. Threads: safe anywhere. */
#ifndef ADMINUI_ROUTER_H
#define ADMINUI_ROUTER_H

#include "adminui/caller.h"
#include "base/arena.h"
#include "base/buf.h"

struct call;

enum route_body {
    ROUTE_NO_BODY,
    ROUTE_JSON,              /* a JSON object is needed */
    ROUTE_JSON_OPTIONAL,     /* none, or a JSON object */
    ROUTE_DOCUMENT,          /* ROUTE_JSON for policy documents, which grow large */
    ROUTE_DOCUMENT_OPTIONAL, /* none, or such a document */
    ROUTE_RAW,               /* any bytes, spooled to a file */
};

struct route {
    const char *method;
    const char *pattern; /* below /api/v1, or absolute when is_root */
    enum permission permission;
    enum route_body body;
    bool is_change; /* runs in one transaction with its audit row */
    bool is_root;
    void (*run)(struct call *c);
    void (*after)(struct call *c); /* after the commit: talk to proxyd, start jobs; may be NULL */
    const char *sentence;          /* what it does */
};

#define ROUTER_PARAMS_MAX 2

struct router_match {
    const struct route *route;            /* NULL: 404, or 405 when allow is not empty */
    struct str params[ROUTER_PARAMS_MAX]; /* decoded, in the arena */
    struct buf allow;                     /* "GET, PUT"; the caller finishes it */
};

/* HEAD finds the row of GET. ERR_INVALID when a segment does not decode; the match is to be
 * finished with buf_fini(&m->allow) in every case. */
enum err router_find(const struct route *table, struct str method, struct str path, struct arena *a,
                     struct router_match *m) MUST_CHECK;

#endif
