/* ledger: what is remembered of people between requests, shared by all workers and kept over
 * restarts: accounts of daily quotas, pages that were accepted, wrong passwords, buckets of speed
 * limits. A mapped file of fixed slots.
 *
 * Why a file and not the day's records: a balance must be right while a download still runs and has
 * no record yet, and after a kill -9; adding up a day at each start takes time that grows with it.
 * Pages of a mapping belong to the file, so what was counted survives the process. Blocks are
 * allocated when the file is made, so a full disk is met at open, never as a SIGBUS. A slot is one
 * sector and its fixed part carries a checksum; whatever does not check out at open is given up
 * alone. After a power cut the last seconds of counting may be missing, as with the journal.
 *
 * Two processes may have it open, as during an upgrade: the locks lie in the file too, and are made
 * anew by whoever opens it alone.
 * Threads: any number. Finding takes the lock of one of LEDGER_SHARDS shards; counting on an
 * account that is held takes none: its counters are atomics on a cache line of their own. Only
 * requests whose verdict names a quota, a limit, a warning or an override come here.
 * Limit: the number of slots; when a shard is full the account unused for longest is given up.
 * Owner: open/close; an account is held from take or find until give. */
#ifndef PROXYD_FLOW_LEDGER_H
#define PROXYD_FLOW_LEDGER_H

#include <stdatomic.h>

#include "base/err.h"
#include "base/str.h"

#define LEDGER_SHARDS 64
#define LEDGER_SLOTS  32768 /* 16 MiB */
#define LEDGER_RULE   96    /* bytes kept of each text, for people to read */
#define LEDGER_WHO    128
#define LEDGER_WHAT   128
#define LEDGER_NOTE   80

enum ledger_kind {
    LEDGER_QUOTA = 1, /* rule, who, category */
    LEDGER_GRANT,     /* rule, who, host: went on after a page */
    LEDGER_LOCK,      /* who: wrong passwords */
    LEDGER_SPEED,     /* rule, who: the bucket of a limit */
};

struct ledger;

struct ledger_key {
    enum ledger_kind kind;
    struct str rule, who, what;
};

/* The counters of an account; each user of the ledger has its own meaning for them, written down
 * where it counts (quota.h, grant.h, speed.h). Zero in a new account. */
struct ledger_account {
    _Alignas(64) _Atomic uint64_t hash; /* the ledger's own */
    _Atomic int64_t used_ms;            /* Unix time of the last use */
    _Atomic int64_t until_ms;           /* Unix time from which it may be forgotten */
    _Atomic uint64_t count;
    _Atomic uint64_t bytes;
    _Atomic int64_t next_us;
    _Atomic uint32_t n_holders; /* the ledger's own */
    _Atomic uint32_t how;
};

struct ledger_info {
    uint64_t n_slots, n_used; /* n_used: not yet over */
    uint64_t n_evicted;       /* accounts given up for want of room, in this run */
    uint64_t n_damaged;       /* slots that did not check out at open */
    bool is_kept;             /* in a file; else in memory only */
    bool was_replaced;        /* the file was no ledger: it is kept beside as .bad */
};

/* path NULL: in memory only. n_slots: of a new file; rounded to whole shards. A file that is not
 * ours is renamed to path.bad and a new one made. ERR_BUSY: another process is just opening it;
 * ERR_FULL, ERR_DENIED, ERR_IO, ERR_NOMEM. */
enum err ledger_open(const char *path, unsigned n_slots, int64_t now_ms,
                     struct ledger **out) MUST_CHECK;
void ledger_close(struct ledger *l); /* NULL is fine */
void ledger_info(struct ledger *l, int64_t now_ms, struct ledger_info *out);

/* The account of this key, made when there is none. until_ms: of a new one. NULL: no room, since
 * every account that could be given up is held. */
struct ledger_account *ledger_take(struct ledger *l, const struct ledger_key *key, int64_t now_ms,
                                   int64_t until_ms);
/* NULL: there is none, or it is over. */
struct ledger_account *ledger_find(struct ledger *l, const struct ledger_key *key, int64_t now_ms);
void ledger_give(struct ledger_account *a); /* NULL is fine */

/* Serialises the rare changes of an account that are more than one counter (a new day). */
void ledger_lock(struct ledger *l, struct ledger_account *a);
void ledger_unlock(struct ledger *l, struct ledger_account *a);

/* A few words kept with the account for people to read; cut to LEDGER_NOTE bytes. */
void ledger_note(struct ledger *l, struct ledger_account *a, struct str note);

/* Calls see for every account of the kind that is not over, under its shard's lock: no call back
 * into the ledger. Texts are cut to what a slot holds. */
struct ledger_seen {
    struct str rule, who, what, note;
    struct ledger_account *account; /* until see returns */
};
void ledger_each(struct ledger *l, enum ledger_kind kind, int64_t now_ms,
                 bool (*see)(void *ctx, const struct ledger_seen *s), void *ctx);
/* Forgets the accounts that see answers true for; how many. Those held by a request go on counting
 * from zero. */
unsigned ledger_forget(struct ledger *l, enum ledger_kind kind, int64_t now_ms,
                       bool (*is_meant)(void *ctx, const struct ledger_seen *s), void *ctx);

#endif
