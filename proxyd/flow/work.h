/* work: what the steps of one request share while it is being dealt with: heads, facts, verdict,
 * the exchange, the page. Taken when a head begins, given back when the request ends or becomes a
 * tunnel; recycled by the worker with its arena's first block.
 * Owner: the request. Threads: one worker. */
#ifndef PROXYD_FLOW_WORK_H
#define PROXYD_FLOW_WORK_H

#include "policies/decide.h"
#include "proxyd/flow/request.h"
#include "proxyd/flow/slow.h"
#include "proxyd/identity/identity.h"
#include "proxyd/io/dial.h"
#include "proxyd/io/resolve.h"
#include "proxyd/upstream/exchange.h"
#include "proxyd/upstream/parent.h"
#include "proxyd/wire/auth_head.h"
#include "proxyd/wire/http_body.h"
#include "proxyd/wire/http_write.h"

#define WORK_ARENA_BLOCK   4096
#define WORK_ARENA_CEILING (1u << 20)
#define WORK_REPLY_MAX     (1u << 20)

struct verify_job;

struct work {
    struct work *next; /* in the worker's free list */
    struct request *r;
    struct arena arena;

    /* --- cleared for each request from here on (work_begin) --- */
    bool is_head_whole; /* req is valid */
    bool has_facts;     /* facts are filled */
    bool is_resolving;  /* query is under way */
    bool has_addresses; /* answer is filled */
    bool is_dialing, is_dialed;
    bool is_asking;         /* identity is under way */
    bool has_asked;         /* ask is in use or answered */
    bool has_exchange;      /* request is being sent */
    bool has_answer;        /* final head of the answer is there */
    bool is_judging_answer; /* the policy wants to see it */
    bool is_relaying;
    bool is_sent;             /* the request has gone out, body and all */
    bool is_fresh_only;       /* a kept connection turned out stale: dial */
    bool is_stale;            /* bytes were on it before it was asked */
    bool is_final;            /* verdict is final */
    bool has_way;             /* direct or through parents: chosen */
    bool has_judged;          /* `judged` is what the verdict holds for */
    bool is_through;          /* a tunnel through the parent stands */
    bool is_parent_late;      /* parent_timer has fired */
    bool is_parent_unwilling; /* one has answered that it cannot reach the server */
    bool is_probe;            /* of a privacy test */
    bool is_hop_counted;      /* hop_key is valid */
    uint64_t hop_key;
    bool is_trial;                    /* judged by the version on trial */
    bool has_soft_asked, is_soft_ask; /* who it is matters for the trial alone: not knowing is
                                         fine */
    bool is_verified;                 /* verify_err tells */
    struct verify_job *verify;        /* a password is being checked */
    enum err verify_err;
    enum fault fault;
    uint32_t retry_s;  /* with a fault: when to ask again; 0: not told */
    struct timer pace; /* in REQUEST_PACE, until pace_at_ms */
    int64_t pace_at_ms;
    enum err dial_err;
    struct http_refusal refusal;               /* with FAULT_HEAD, FAULT_BODY, FAULT_ANSWER_BAD */
    struct http_body body;                     /* of the request */
    struct str url;                            /* normal form */
    struct str method, host, scheme, listener; /* for the record */
    struct str target;                         /* the name to be reached, by us or by a parent */
    struct str dial_host;                      /* the name that is looked up and dialled */
    uint16_t dial_port;
    const struct parent_group *parents; /* to go through; NULL: direct */
    const struct parent_member *parent; /* the one that is tried or taken */
    uint32_t tried;                     /* bit per member */
    int64_t way_ms;                     /* when the first was chosen */
    struct timer parent_timer;          /* while its answer is waited for */
    struct str asked;                   /* of that question, what is not sent yet */
    struct str user_agent, referer;
    struct str user;
    struct str note; /* a reason that was given; for the record */
    const struct str *groups, *group_paths;
    size_t n_groups;
    struct str content_type;
    struct ip_port upstream_at; /* dialled; port 0: nothing */
    char upstream_text[64];
    uint32_t upstream_ms;
    int64_t sent_ms;
    uint64_t sent_turn;
    uint64_t reply_at; /* bytes of the reply's body written */
    uint64_t n_drained;
    struct slow slow;    /* of the body that moves: FETCH the request's, RELAY the answer's */
    struct upstream *up; /* chosen, before the exchange has it */
    struct exchange x;
    struct facts facts;
    struct identity_ask ask;

    /* --- not cleared: each is initialised by who uses it --- */
    struct verdict verdict;
    struct buf reply; /* body of our page; freed when the request ends */
    struct buf form;  /* body of a form that was sent to one; the same */
    struct resolve_query query;
    struct resolve_answer answer;
    struct resolve_answer judged; /* of the server, while `answer` is a parent's */
    struct dial dial;
    struct guard probe_guard; /* with is_probe */
    struct guard_net probe_net;
    struct http_head req, res;
};

struct worker;

/* Recycled or new; NULL when out of memory. */
struct work *work_take(struct worker *w, struct request *r);
void work_give(struct worker *w, struct work *k);
void work_free_all(struct worker *w);

#endif
