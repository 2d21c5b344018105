/* meter: what a running request uses of its rule's quota, and how fast it may run: by the rule, and
 * by the bounds on its client, its user and everybody; the slowest decides. Made when a request
 * that has any of them is let through, so nothing of this is on the path of the others. A transfer
 * that uses up the quota ends at the next bytes that move, a tunnel too. Owner: the request
 * (r->meter). Threads: one worker; the accounts are shared. */
#ifndef PROXYD_FLOW_METER_H
#define PROXYD_FLOW_METER_H

#include "policies/verdict.h"
#include "proxyd/flow/quota.h"
#include "proxyd/flow/request.h"

struct meter;

/* The category that an allowance per category is kept for: the first of the request's that the rule
 * names. Empty: the allowance is one for the person. */
struct str meter_category(const struct verdict *v);

void meter_init(struct worker *w);

/* What the settings bound for clients, users and everybody, when the request is let through for
 * now: before its body moves. ERR_NOMEM. */
enum err meter_open_traffic(struct request *r) MUST_CHECK;

/* The same, and what the rule of the verdict asks for. OK: *left tells whether it may begin; with
 * QUOTA_LEFT r->meter is set, when there is anything to measure. ERR_NOMEM; ERR_FULL: no account to
 * count on. */
enum err meter_open(struct request *r, enum quota_word *left) MUST_CHECK;
void meter_close(struct request *r); /* counts the rest; harmless without a meter */

/* Before moving bytes: false when the limit says later; the request is then run again in time. */
bool meter_may_move(struct request *r);
/* After it: counts. False: the quota is used up; meter_end says what comes. */
bool meter_count(struct request *r);
/* The state that follows: the page when nothing was answered yet, else the connection is cut. */
enum request_state meter_end(struct request *r);

const char *meter_effect(enum quota_word w); /* "quota-time", "quota-bytes"; NULL when left */

#endif
