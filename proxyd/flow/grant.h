/* grant: who may go on to which host although a rule warns or blocks: a page was accepted, and that
 * is remembered for the rule's time, for one rule, one person (or client address, when nobody is
 * known) and one host. Kept in the ledger: all workers know it at once, it survives a restart, and
 * an administrator sees and revokes it. In the account: how = enum grant_how, until_ms its end.
 * Threads: one worker; the ledger is shared. */
#ifndef PROXYD_FLOW_GRANT_H
#define PROXYD_FLOW_GRANT_H

#include "policies/verdict.h"
#include "proxyd/flow/ledger.h"
#include "proxyd/flow/request.h"

enum grant_how { GRANT_NONE, GRANT_WARNED, GRANT_JUSTIFIED, GRANT_PASSWORD };

/* The effect as the record names it: "warn-continued", "override-justified", "override-password";
 * NULL for GRANT_NONE. */
const char *grant_effect(enum grant_how how);

/* What a rule asks for before it lets somebody on. */
enum grant_how grant_wanted(const struct verdict *v);

/* Whom things are remembered of: the user's name, or the client's address (written into room). */
struct str grant_who(const struct request *r, char room[64]);

/* Has this person gone on to this host under the rule that decided, in the way it asks for? */
enum grant_how grant_of(struct request *r);

struct grant {
    struct str rule, who, host, note;
    enum grant_how how;
    int64_t lasts_ms;
};
void grant_put(struct worker *w, const struct grant *g);

#endif
