/* parent: other proxies that requests can be sent through. A group of members is one way out; how
 * a member is chosen, and what is known of its health, is here; asking after it is health's work.
 * Groups are immutable, part of the settings a request is answered by. Health outlives settings:
 * a book keeps one entry per group and address for the life of the process.
 * Threads: everything but the building of a set may be called on any; health is a few atomics, and
 * what two threads say at once may count once. Time (monotonic, ms) is passed in. */
#ifndef PROXYD_UPSTREAM_PARENT_H
#define PROXYD_UPSTREAM_PARENT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/host.h"

#define PARENT_GROUPS_MAX  32
#define PARENT_MEMBERS_MAX 16
#define PARENT_DIRECT      "direct" /* the name that is no group's */

enum parent_balance {
    PARENT_FIRST,       /* in the order written */
    PARENT_ROUND_ROBIN, /* in turn, by weight */
    PARENT_CLIENT_HASH, /* a client keeps its member while that is up */
};
enum parent_line { PARENT_LINE_OFF, PARENT_LINE_V1, PARENT_LINE_V2 }; /* PROXY protocol */

struct parent_check {     /* whether it accepts connections */
    uint32_t interval_ms; /* 0: no checks; a member that is down is tried again after retry_ms */
    uint32_t timeout_ms;
    uint32_t retry_ms;
    uint16_t down_after, up_after; /* so many in a row */
    bool is_http;                  /* a question is asked: check_http.h */
    struct str url;                /* what is fetched; empty: nothing, the proxy itself is asked */
};

struct parent_health {
    struct str key; /* "group/host:port" */
    atomic_bool is_down;
    atomic_uint n_bad, n_good;           /* in a row */
    _Atomic int64_t since_ms, retry_ms;  /* of the state; when down: the next trial */
    atomic_int last;                     /* enum err of the last failure */
    _Atomic uint64_t n_taken, n_failed;  /* by requests */
    _Atomic uint64_t n_checks, n_missed; /* by checks */
    bool was_down;                       /* as told to the operator; of who tells alone */
};

struct parent_member {
    struct host host;
    uint16_t port;
    uint16_t weight; /* at least 1 */
    bool is_backup;  /* only when no other is up */
    enum parent_line line;
    struct str authorization; /* of Proxy-Authorization; empty: none */
    struct str text;          /* "group/host:port": in records and messages */
    char key[24];             /* of kept connections: parent_seal makes it of text */
    struct parent_health *health;
};

struct parent_group {
    struct str name;
    struct parent_member members[PARENT_MEMBERS_MAX];
    uint16_t n;
    enum parent_balance balance;
    bool is_direct_when_down;
    uint32_t connect_ms; /* for one member */
    uint32_t answer_ms;  /* then another member is asked, where that is harmless; 0: never */
    struct parent_check check;
};

struct parents {
    atomic_uint n_refs;
    struct arena arena;
    struct parent_group *groups;
    uint16_t n;
    const struct parent_group
        *standard; /* of requests that no rule sends elsewhere; NULL: direct */
};

/* A set with room for n groups, zeroed; texts go into its arena. One reference. ERR_NOMEM. */
enum err parents_new(uint16_t n, struct parents **out) MUST_CHECK;
struct parents *parents_ref(struct parents *p); /* NULL is fine */
void parents_unref(struct parents *p);
/* After host, port and the group's name are set: text, key and the book's entry. ERR_NOMEM. */
struct parent_book;
enum err parent_seal(struct parents *p, const struct parent_group *g, struct parent_member *m,
                     struct parent_book *book) MUST_CHECK;
/* NULL: there is none of this name. */
const struct parent_group *parents_named(const struct parents *p, struct str name);

/* Who asks, for the choice. */
struct parent_ask {
    const struct ip *client;
    uint32_t turn;  /* counts up with each request of a worker */
    uint32_t tried; /* bit per member that this request has tried */
    int64_t now_ms;
};
/* The member to try, or NULL: none that is up is left. A member that is down counts as up for one
 * request once its retry time has come, when there are no checks that would find it. */
const struct parent_member *parent_choose(const struct parent_group *g,
                                          const struct parent_ask *ask);
unsigned parent_index(const struct parent_group *g, const struct parent_member *m);

/* How an attempt went: by a request, or by a check. */
void parent_went(const struct parent_group *g, const struct parent_member *m, enum err e,
                 int64_t now_ms);
void parent_checked(const struct parent_group *g, const struct parent_member *m, enum err e,
                    int64_t now_ms);

struct parent_book *parent_book_new(void); /* NULL: out of memory */
void parent_book_free(struct parent_book *b);
/* The entry of this key, made when it is new; NULL: out of memory. Any thread; takes a lock. */
struct parent_health *parent_book_entry(struct parent_book *b, struct str key);

#endif
