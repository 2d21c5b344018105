/* subscription_rows: lists that are fetched on a schedule: what an administrator has set, how far
 * it has come, and the last fetches. Content is list_sources' (source "sub:<id>"). adminui alone
 * calls this. Borrows: texts are copied into the caller's arena. Threads: as the store handle. */
#ifndef DB_SUBSCRIPTION_ROWS_H
#define DB_SUBSCRIPTION_ROWS_H

#include "db/store.h"

#define SUBSCRIPTION_HISTORY 50 /* fetches kept of each */

enum subscription_state {
    SUBSCRIPTION_NEW,     /* never fetched */
    SUBSCRIPTION_FRESH,   /* the last fetch was good */
    SUBSCRIPTION_FAILING, /* the last fetch was not; what was good before stays live */
    SUBSCRIPTION_WAITING, /* fetched, and beyond a bound: a person decides */
};

struct subscription {
    uint64_t id, revision;
    struct str name;
    struct str config; /* JSON */
    int64_t created_ms;
    /* what follows is written by subscription_rows_progress alone */
    enum subscription_state state;
    struct str why;     /* of FAILING and WAITING: one sentence */
    struct str waiting; /* of WAITING: JSON of the difference */
    struct str etag, last_modified;
    struct str hash; /* of the bytes last dealt with */
    int64_t checked_ms, good_ms, next_ms;
    uint32_t failures; /* in a row */
    uint64_t entries;  /* of the content that is live */
};

enum err subscription_rows_all(struct store *s, struct arena *a, struct subscription **items,
                               size_t *n) MUST_CHECK;
enum err subscription_rows_get(struct store *s, struct arena *a, uint64_t id,
                               struct subscription *out) MUST_CHECK; /* ERR_NOT_FOUND */
/* name, config and created_ms of x. ERR_EXISTS: the name is taken. */
enum err subscription_rows_add(struct store *s, const struct subscription *x,
                               uint64_t *id) MUST_CHECK;
/* name and config; due at once. expected: revision as seen. ERR_CONFLICT, ERR_EXISTS. */
enum err subscription_rows_put(struct store *s, const struct subscription *x,
                               uint64_t expected) MUST_CHECK;
enum err subscription_rows_delete(struct store *s, uint64_t id) MUST_CHECK;
/* What was fetched into a category goes: those that fill it fetch all of it the next time. */
enum err subscription_rows_forget(struct store *s, struct str category) MUST_CHECK;
/* The progress members of x, if it is as x was read. ERR_CONFLICT: it was changed or deleted since,
 * and what came of its former settings is not to be kept; it is due anyway. */
enum err subscription_rows_progress(struct store *s, const struct subscription *x) MUST_CHECK;

enum subscription_outcome {
    SUBSCRIPTION_UPDATED,
    SUBSCRIPTION_UNCHANGED,
    SUBSCRIPTION_FAILED,
    SUBSCRIPTION_HELD, /* waits for a person */
    SUBSCRIPTION_REJECTED,
};

struct subscription_fetch {
    uint64_t subscription;
    int64_t at_ms, took_ms;
    enum subscription_outcome outcome;
    unsigned status; /* of HTTP; 0: none */
    uint64_t bytes, entries, added, removed;
    struct str why;
};
/* Keeps the newest SUBSCRIPTION_HISTORY. */
enum err subscription_rows_note(struct store *s, const struct subscription_fetch *f) MUST_CHECK;
/* The end of a fetch: progress and note in one transaction, so that who sees the state sees what
 * made it. ERR_CONFLICT as above: neither is stored. */
enum err subscription_rows_ended(struct store *s, const struct subscription *x,
                                 const struct subscription_fetch *f) MUST_CHECK;
/* Newest first. */
enum err subscription_rows_history(struct store *s, struct arena *a, uint64_t id,
                                   struct subscription_fetch **items, size_t *n) MUST_CHECK;

#endif
