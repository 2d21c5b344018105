/* entry: the access record of a request, from whatever is known of it. Threads: one worker. */
#ifndef PROXYD_FLOW_ENTRY_H
#define PROXYD_FLOW_ENTRY_H

#include "proxyd/flow/request.h"

/* Everything but what only the end knows (duration, bytes). Views live as long as r->k. */
void entry_fill(struct request *r, struct record *out);

/* Keeps the record encoded in r->slim, so that the rest of the request can be given back. */
enum err entry_slim(struct request *r) MUST_CHECK;

/* The end's part, the append, and the counting. */
void entry_write(struct request *r, struct record *rec);

#endif
