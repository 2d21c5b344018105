/* way: whether a request goes to its server itself or through a parent proxy, which member of the
 * group is tried, what a failed attempt means, and what a parent is told in front of the request.
 * The rule's `upstream` decides, else the group that the settings name for everything; where rules
 * wait for the answer, the rule that lets through what none of them fits. Through a parent the
 * target's name is not looked up here: what the guard says of addresses holds for targets that are
 * literals, the rest is the parent's. Threads: one worker. */
#ifndef PROXYD_FLOW_WAY_H
#define PROXYD_FLOW_WAY_H

#include "proxyd/flow/request.h"
#include "proxyd/upstream/parent.h"
#include "proxyd/wire/http_write.h"
#include "proxyd/wire/proxy_line.h"

/* Chooses, or chooses anew after an attempt has failed: k->parent (NULL: direct), the name and port
 * to dial. FAULT_NONE, or why there is no way. */
enum fault way_choose(struct request *r);

/* Back to the server itself: name, port, and the addresses that the policy has judged. */
void way_aim_at_server(struct work *k);

/* Is the parent asked for a tunnel? */
bool way_is_tunnel(const struct work *k);
/* Name and port under which a connection that serves this request is kept. */
struct str way_key(const struct work *k);
/* A connection that began with a PROXY header belongs to one client, a tunnel to one server. */
bool way_may_keep(const struct work *k);

/* The member's answer is waited for: from now on so long (0: no bound of its own), then
 * k->is_parent_late is set and the request runs. Ends with way_answered. */
void way_wait(struct request *r, uint32_t most_ms);
void way_answered(struct request *r);
/* It has answered that it cannot reach the server: nothing against itself, but perhaps another one
 * can (ROUTE). When none is left that answer stands. */
void way_unwilling(struct request *r);
/* It has said nothing for too long. The next one has as long to be reached as the first. */
void way_silent(struct request *r);
/* The attempt failed before anything was sent. True: another one may be made (ROUTE). */
bool way_failed(struct request *r, enum err e);
void way_connected(struct request *r);

/* What http_write needs to know for a parent; nothing for a server. */
void way_dress(const struct request *r, struct http_forward *how);
/* One more request for the member. */
void way_count(const struct work *k);
/* The PROXY header in front of the first request; 0: none. */
size_t way_line(const struct request *r, char out[PROXY_LINE_MAX]);

/* A parent's answer that is none of the server's: FAULT_NONE when it may be passed on. */
enum fault way_judge(struct request *r);

#endif
