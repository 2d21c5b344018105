/* change_rows: changes of the policy that are not live yet: scheduled, waiting for a second person,
 * on trial as a canary; and how those ended. A change carries its document frozen as it was when it
 * was asked for, until it has become a version. adminui writes; proxyd reads the canary.
 * Borrows: texts are copied into the caller's arena. Threads: as the store handle. */
#ifndef DB_CHANGE_ROWS_H
#define DB_CHANGE_ROWS_H

#include "db/store.h"

enum change_kind { CHANGE_PUBLISH, CHANGE_ROLLBACK, CHANGE_EXCEPTION, CHANGE_SETTINGS };

enum change_state {                   /* numbers are stored */
                    CHANGE_AWAITING,  /* a second person has to say yes or no */
                    CHANGE_SCHEDULED, /* its time has not come */
                    CHANGE_HELD,   /* its time has passed, or what it was made for: a person says */
                    CHANGE_CANARY, /* on trial; at most one */
                    CHANGE_DONE,   /* live (from here on: ended) */
                    CHANGE_FAILED, /* could not be published when its time came */
                    CHANGE_CANCELLED,
                    CHANGE_REJECTED,
                    CHANGE_ABORTED,  /* the trial was ended by a person */
                    CHANGE_RETURNED, /* the trial was ended because too much was blocked or failed
                                      */
};
#define CHANGE_STATES 10

#define CHANGE_EMERGENCY 1u /* flags */
#define CHANGE_FORCED    2u /* although a test of the document fails */
#define CHANGE_UNWATCHED 4u
#define CHANGE_APPROVAL  8u /* needs a second person */

struct change {
    uint64_t id; /* given by change_rows_add */
    enum change_kind kind;
    enum change_state state;
    struct str document; /* empty once there is a version, and in listings */
    uint32_t n_rules;
    struct str comment, reason;
    struct str author, person; /* shown name; who that is: the same for a person and her tokens */
    unsigned flags;
    int64_t at_ms;
    int64_t publish_at_ms;      /* 0: as soon as it may */
    uint64_t base_version;      /* live when it was asked for */
    uint64_t copy_of;           /* version a rollback goes back to; 0 */
    uint64_t version;           /* it has become; 0: none yet */
    struct str canary;          /* scope, JSON text; empty: no trial */
    int64_t canary_ms;          /* length of the trial; 0: until a person ends it */
    int64_t since_ms, until_ms; /* of the trial */
    struct str replay, report;  /* JSON texts; may be empty */
    struct str message;         /* why it is in this state, one sentence; may be empty */
    int64_t ended_ms;           /* 0: open */
};

struct change_approval {
    struct str author, person, comment;
    int64_t at_ms;
    bool is_approved;
};

const char *change_state_name(enum change_state s); /* "awaiting-approval" ... */
const char *change_kind_name(enum change_kind k);   /* "publish" ... */
bool change_is_open(enum change_state s);

enum err change_rows_add(struct store *s, const struct change *c, uint64_t *id) MUST_CHECK;
/* The whole change with its document. ERR_NOT_FOUND. */
enum err change_rows_get(struct store *s, struct arena *a, uint64_t id,
                         struct change *out) MUST_CHECK;
struct change_page {
    bool only_open;
    uint64_t before; /* ids below this one; 0: from the newest */
};
/* Newest first, without documents, at most *n; *n becomes how many. */
enum err change_rows_list(struct store *s, struct arena *a, const struct change_page *page,
                          struct change *items, size_t *n) MUST_CHECK;
/* When the next scheduled one is due; ERR_NOT_FOUND: none is scheduled. Cheap. */
enum err change_rows_next_due(struct store *s, int64_t *at_ms) MUST_CHECK;
enum err change_rows_n_open(struct store *s, uint64_t *out) MUST_CHECK;

/* Moves a change on: state, publish_at_ms, version, base_version, since_ms, until_ms, report,
 * message, ended_ms are written; the document goes once there is a version or the change has ended.
 * ERR_CONFLICT: it is no longer in the state `from`. */
enum err change_rows_move(struct store *s, const struct change *c,
                          enum change_state from) MUST_CHECK;

enum err change_rows_approve(struct store *s, uint64_t id,
                             const struct change_approval *a) MUST_CHECK;
/* In their order, at most *n; *n becomes how many. */
enum err change_rows_approvals(struct store *s, struct arena *a, uint64_t id,
                               struct change_approval *items, size_t *n) MUST_CHECK;

/* The change that is on trial, without document. ERR_NOT_FOUND. */
enum err change_rows_canary(struct store *s, struct arena *a, struct change *out) MUST_CHECK;
/* Version of the canary; 0: there is none. */
enum err change_rows_canary_version(struct store *s, uint64_t *out) MUST_CHECK;

#endif
