/* balance: what somebody has left of the day's allowances: the page http://<proxy>/quota, which
 * asks who it is (401; nothing else of ours does), and the lines of a block page whose allowance is
 * used up. Threads: one worker. */
#ifndef PROXYD_FLOW_BALANCE_H
#define PROXYD_FLOW_BALANCE_H

#include "policies/verdict.h"
#include "proxyd/flow/pages.h"
#include "proxyd/flow/request.h"

#define BALANCE_PATH  "/quota"
#define BALANCE_FACTS 3

/* Lines for the allowance of a verdict that has one, of whoever asks; how many (BALANCE_FACTS at
 * most). Texts in the request's arena. */
size_t balance_facts(struct request *r, const struct verdict *v, struct str category,
                     struct pages_fact out[BALANCE_FACTS]);

/* Called again while it waits for the directory. */
enum request_state balance_page(struct request *r);

#endif
