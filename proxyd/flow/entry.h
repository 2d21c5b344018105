/* entry: the access record of a request, from whatever is known of it. Threads: one worker. */
#ifndef PROXYD_FLOW_ENTRY_H
#define PROXYD_FLOW_ENTRY_H

#include "proxyd/flow/request.h"

/* Everything but what only the end knows (duration, bytes). Views live as long as r->k. */
void entry_fill(struct request *r, struct record *out);

/* Keeps the record encoded in r->slim, so that the rest of the request can be given back; until
 * entry_slim_give (harmless without). */
#define ENTRY_SLIM_BYTES 448 /* a longer one comes from the heap */
enum err entry_slim(struct request *r) MUST_CHECK;
void entry_slim_give(struct request *r);

/* Does the rule want no record of it? */
bool entry_is_unwanted(const struct request *r);

/* The end's part, the append, and the counting. */
void entry_write(struct request *r, struct record *rec);

/* Just before the last n_left bytes of an answer are written: the record is made as if they had
 * gone, so that a process killed at any moment leaves the record of every answer a client has
 * whole. Sets r->is_offered; then one of the others follows in the same turn. entry_settle: they
 * have gone; entry_undo (harmless without an offer): not all of them, the record waits for the end.
 */
void entry_offer(struct request *r, size_t n_left);
void entry_settle(struct request *r);
void entry_undo(struct request *r);

#endif
