/* own_reply: an answer that is not the server's goes out: head with the fields every one of ours
 * has, body from k->reply. Used by the steps that make pages. Threads: one worker. */
#ifndef PROXYD_FLOW_OWN_REPLY_H
#define PROXYD_FLOW_OWN_REPLY_H

#include "proxyd/flow/pages.h"
#include "proxyd/flow/request.h"
#include "proxyd/wire/http_write.h"

/* h: status, content type and what is special; the rest is filled in. The next state. */
enum request_state own_reply(struct request *r, struct http_reply *h);
/* The same with the page as its body, never kept by anybody; h->extra is added to. */
enum request_state own_reply_page(struct request *r, const struct page *p, struct http_reply *h);

/* What every page says of the request: format, language, record, contact. */
void own_reply_describe(struct request *r, struct page *p);

/* Where this client reaches this proxy: "http://192.0.2.1:3128", in the arena; empty when unknown.
 */
struct str own_reply_base(struct request *r);

/* Location and no-store, in the arena; p NULL: out of memory. */
struct str own_reply_location(struct request *r, struct str url);

#endif
