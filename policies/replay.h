/* replay: a decision made again from its access record: the record's facts, judged by any snapshot
 * with policy_decide itself, and what was decided then. What a record cannot tell (who somebody
 * was that nobody asked, an answer that was never fetched) is a doubt, never a guess.
 * Pure. Threads: any. */
#ifndef POLICIES_REPLAY_H
#define POLICIES_REPLAY_H

#include "base/record.h"
#include "policies/decide.h"

enum replay_outcome {
    REPLAY_ALLOWED,
    REPLAY_BLOCKED,
    REPLAY_REDIRECTED,
    REPLAY_WARNED, /* a page with a way on: warn and override */
    REPLAY_LOGIN,  /* a 407 */
    REPLAY_UNSURE,
};

enum replay_doubt {
    REPLAY_NO_DOUBT,
    REPLAY_NO_USER,    /* nobody was asked then; the policy would ask now */
    REPLAY_NO_ADDRESS, /* the server's address was never looked up */
    REPLAY_NO_ANSWER,  /* the server was never asked */
    REPLAY_NO_QUERY,   /* the rule said `log: no-query` */
    REPLAY_N_DOUBTS,
};

struct replay_judged {
    enum replay_outcome outcome;
    enum replay_doubt doubt; /* of REPLAY_UNSURE */
    struct verdict v;        /* of the others but LOGIN */
};

const char *replay_outcome_name(enum replay_outcome o); /* as record_verdict_name, "redirected" */
const char *replay_doubt_text(enum replay_doubt d);     /* one sentence */

/* What was decided then. False: nothing was (a malformed head, a client that left, a failure before
 * the policy could say). */
bool replay_recorded(const struct record *r, enum replay_outcome *out);

struct replay_room { /* what the facts point into */
    struct str groups[RECORD_LISTS_MAX], paths[RECORD_LISTS_MAX];
};

/* The facts of a record. Borrows: the room and the record's views. */
void replay_facts(const struct record *r, struct replay_room *room, struct facts *out);
/* Did the rule that decided then, of the policy that the record names, keep the query out of it?
 * What depends on the URL cannot be told from such a record: replay_cut says so to its facts. */
bool replay_is_cut(const struct snapshot *then, const struct record *r);
void replay_cut(struct facts *f);

/* Judged as the live path would, stage by stage, on facts that replay_facts has made. They learn
 * what the judging asked for: what an explanation is made of. */
void replay_judge_facts(const struct snapshot *s, const struct record *r, struct facts *f,
                        struct replay_judged *out);

/* Would the person have seen the same? */
bool replay_is_same(const struct record *r, enum replay_outcome then, enum replay_outcome now);

#endif
