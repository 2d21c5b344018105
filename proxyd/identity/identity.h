/* identity: who is behind a name and a password? Local people first, then the directory. Answers
 * come from a cache at once, or later from helper threads through the asking worker's mailbox.
 * The same pair asked many times at once goes to the directory once; a pair known to be wrong does
 * not go there at all while it is remembered; when the directory is away, people it knew go on for
 * a bounded time. Owner: identity_new/identity_free, heap; shared by all workers. Threads:
 * identity_ask and identity_cancel on a worker's thread, the rest anywhere. Limit: a bounded queue
 * (IDENTITY_BUSY), a bounded cache. */
#ifndef PROXYD_IDENTITY_IDENTITY_H
#define PROXYD_IDENTITY_IDENTITY_H

#include "base/arena.h"
#include "base/clock.h"
#include "proxyd/identity/id_ldap.h"
#include "proxyd/io/wake.h"

#define IDENTITY_NAME_MAX     256 /* bytes of a user name as typed */
#define IDENTITY_PASSWORD_MAX 1024

struct identity;

enum identity_source { IDENTITY_LOCAL, IDENTITY_LDAP };

/* One person as the policy sees them. Immutable, shared by reference, any thread. */
struct identity_person {
    struct str name; /* canonical: as the directory or the local table writes it */
    const struct str *groups;
    const struct str *group_paths; /* of each, how it was reached: see id_ldap.h */
    size_t n_groups;
    enum identity_source source;
    int64_t checked_at_ms; /* monotonic: when the password was last found right */
    uint64_t number; /* of this object and, but for chance, of no other; 0: none. Set when made */
};
struct identity_person *identity_person_ref(struct identity_person *p);
void identity_person_unref(struct identity_person *p); /* NULL is fine */

enum identity_result {
    IDENTITY_OK,
    IDENTITY_DENIED, /* wrong, unknown, disabled, expired, empty or oversized: ask again (407) */
    IDENTITY_UNAVAILABLE, /* nobody can tell just now (503) */
    IDENTITY_BUSY,        /* the queue is full (503) */
    IDENTITY_PENDING,     /* `done` will be called */
};
const char *identity_result_name(enum identity_result r); /* "ok" "denied" ... */

struct identity_waiter;

/* What a connection remembers of the person that was found on it last, for a second: the same pair
 * again costs no lock and touches nothing that other workers write, but the person. Forgetting
 * people and another configuration hold at once. The caller's storage, zeroed at first. */
struct identity_memo {
    uint64_t digest[2], generation; /* private */
    int64_t until_ms;
    struct identity_person *person; /* one reference, or NULL */
};
void identity_memo_drop(struct identity_memo *m); /* before its memory goes */

/* The caller's storage, zeroed before its first use; stays where it is while PENDING. */
struct identity_ask {
    struct wake *wake;          /* in: of this worker */
    struct identity_memo *memo; /* in: of the connection; NULL: none */
    void (*done)(struct identity_ask *a,
                 void *owner);   /* in: called on this worker's thread, once */
    enum identity_result result; /* out */
    struct identity_person
        *person; /* out: one reference for the caller on IDENTITY_OK, else NULL */
    struct identity_waiter *waiter; /* private */
};

/* Sets a->result and a->person and returns the result; when that is PENDING, both are set before
 * `done` is called. The views are not kept. No allocation unless PENDING, no lock where the memo
 * knows. */
enum identity_result identity_ask(struct identity *id, struct identity_ask *a, struct str user,
                                  struct str password);
/* `done` will not be called any more. Works on one that is not pending. */
void identity_cancel(struct identity_ask *a);

struct identity_local_user {
    struct str name, hash; /* PHC string; an empty one never logs in */
    const struct str *groups;
    size_t n_groups;
    bool is_enabled;
};

/* What there is to judge by; made by identity_config_new, filled by main, its texts in its arena.
 */
struct identity_config {
    struct arena arena;
    struct identity_local_user *users; /* any order */
    size_t n_users;
    struct id_ldap *ldap; /* one reference, owned; NULL: no directory */
    unsigned good_ms, bad_ms,
        stale_ms;   /* how long an answer holds; how long one does in an outage */
    uint64_t stamp; /* of everything above: another one empties the cache */
};
struct identity_config *identity_config_new(void); /* NULL: out of memory */
void identity_config_free(struct identity_config *c);

struct identity_options {
    const struct clock *clock; /* borrowed */
    unsigned n_threads;        /* helper threads; 0: 8 */
    unsigned queue;            /* pairs waiting for a thread; 0: 1024 */
};
enum err identity_new(const struct identity_options *o, struct identity **out) MUST_CHECK;

/* From now on judges by take_config (owned then, also on error: it is freed). What is under way
 * ends by the old one. ERR_NOMEM: the old one stays. */
enum err identity_configure(struct identity *id, struct identity_config *take_config) MUST_CHECK;

/* Ends the helper threads; answers still owed are posted as UNAVAILABLE before. Then no mailbox is
 * used any more. Call it before any worker's mailbox is closed. */
void identity_stop(struct identity *id);
void identity_free(struct identity *id); /* NULL is fine; stops first */

/* Forgets what is remembered of a person, by canonical or typed name, case aside; all when empty.
 */
void identity_forget(struct identity *id, struct str user);

struct identity_status {
    size_t n_local_users, n_cached, n_cached_bad, n_queued, n_threads, n_busy;
    uint64_t n_asked, n_from_cache, n_denied, n_unavailable, n_refused_busy, n_stale,
        n_refreshed; /* asked again ahead of time */
    bool has_directory;
    struct id_ldap_server servers[LDAP_SERVERS_MAX];
    size_t n_servers;
};
/* urls of the servers are copied into the arena. */
void identity_status(struct identity *id, struct arena *a, struct identity_status *out);

#endif
