/* link: signed tokens of the pages on which somebody may go on. A token names who may, to which
 * host, under which rule of which policy version, from which client address and until when, with a
 * signature over all of it by a key of this start; so a form cannot be made up elsewhere, used by
 * another client, or for another rule than the one whose page was shown. Every value is hex or
 * digits, so it needs no escaping anywhere. Threads: the worker's. */
#ifndef PROXYD_FLOW_LINK_H
#define PROXYD_FLOW_LINK_H

#include "proxyd/flow/request.h"

#define LINK_PATH "/.well-known/proxyd-continue"

/* Does this path belong to us on every host? */
bool link_is(struct str path_query);

struct link {
    struct str who, host, rule, url; /* url: where it goes on; may be empty */
    uint64_t version;                /* of the policy */
    struct str rest;                 /* link_read: the form's own fields behind the token */
};

/* "e=..&v=..&c=..&w=..&h=..&r=..&u=..&t=.." in the request's arena. ERR_NOMEM. */
enum err link_make(struct request *r, const struct link *l, struct str *fields) MUST_CHECK;

/* fields: a query or a form's body. Views live in the request's arena. ERR_INVALID: not signed by
 * this process, of another client, or too old. */
enum err link_read(struct request *r, struct str fields, struct link *out) MUST_CHECK;

#endif
