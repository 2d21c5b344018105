/* link: the "continue" links of warning pages: a path on the warned host itself, answered by us,
 * with who may go on, until when, and a signature over all of it. A click is remembered by every
 * worker for the settings' time. Threads: the worker's; link_remember tells the others. */
#ifndef PROXYD_FLOW_LINK_H
#define PROXYD_FLOW_LINK_H

#include "proxyd/flow/request.h"

#define LINK_PATH "/.well-known/proxyd-continue"

/* Does this path belong to us on every host? */
bool link_is(struct str path_query);

/* Who is asked to be careful: the user's name, or the client's address (written into room). */
struct str link_who(const struct request *r, char room[64]);

/* The query of the link for this request: "?t=..&w=..&h=..&u=..": every value is plain hex or
 * digits, so it needs no escaping anywhere. In the request's arena. ERR_NOMEM. */
enum err link_make(struct request *r, struct str *path_query) MUST_CHECK;

struct link {
    struct str who, host, url; /* in the request's arena */
};
/* From the clicked link. ERR_INVALID: not signed by this process, of another host, or too old. */
enum err link_read(struct request *r, struct link *out) MUST_CHECK;

/* All workers remember it. */
void link_remember(struct request *r, const struct link *l);

#endif
