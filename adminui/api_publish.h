/* api_publish: making a document live: at once, at a time, for a part first, after a second person
 * has agreed; and going back. What is live is committed first and proxyd told then: an answer with
 * applied=false says why it does not run it yet. The same door serves the exceptions.
 * What waits is in api_pending. */
#ifndef ADMINUI_API_PUBLISH_H
#define ADMINUI_API_PUBLISH_H

#include "adminui/call.h"
#include "adminui/policy_docs.h"
#include "db/change_rows.h"

void api_publish_draft(struct call *c);
void api_publish_rollback(struct call *c);
void api_publish_done(struct call *c); /* after the commit of any of these */

/* A document on its way to be live, out of a call: judged, and then published, put on trial, or put
 * on the list. Members that the body does not name are left zero. */
struct api_publish {
    struct change change;    /* kind, document, comment, copy_of; the rest is filled in */
    uint64_t draft_revision; /* publish the draft of this revision (0: the text alone) */
    struct str before;       /* of an exception: the document that is live now */
    bool may_skip_approval;  /* what it publishes ran just before */
};
/* Answers the problem itself when false; else c->after is set for api_publish_done. */
bool api_publish_go(struct call *c, struct api_publish *p);

/* For `after` of other handlers: {"version", "applied", "message", "pending"}, after telling
 * proxyd. after: what api_publish_go left in c->after; NULL: nothing was published. NULL: out of
 * memory. */
json_t *api_publish_outcome(struct call *c, const void *after);

#endif
