/* people: who may use the proxy, as the store says: local users and the directory settings handed
 * to proxyd/identity at start and at each reload. When a document is unusable the former directory
 * stays. Owner: caller's storage; people_fini works on a zeroed one.
 * Threads: people_load under the reload lock; the rest anywhere after people_init. */
#ifndef PROXYD_MAIN_PEOPLE_H
#define PROXYD_MAIN_PEOPLE_H

#include <jansson.h>
#include <pthread.h>

#include "base/clock.h"
#include "proxyd/identity/identity.h"

struct store;

struct people {
    const struct clock *clock;
    struct identity *identity;
    pthread_mutex_t lock; /* document */
    char *document;       /* directory settings in force, with their secret; NULL: none read */
    struct id_ldap *ldap; /* made of them; NULL: the directory is off */
    unsigned good_ms, bad_ms, stale_ms;
    uint64_t local_counter; /* of the users last handed over */
    uint64_t stamp;         /* rises with every change */
    bool is_configured;
};

enum err people_init(struct people *p, const struct clock *clock) MUST_CHECK;
/* Ends the helper threads. To be called after the workers' threads are joined and before their
 * mailboxes are closed. */
void people_stop(struct people *p);
void people_fini(struct people *p);

/* Reads users and directory settings and configures identity when something changed. store NULL:
 * nothing changes. What is wrong is appended to problems (source_problem). */
void people_load(struct people *p, struct store *store, json_t *problems);

struct identity *people_identity(struct people *p);

/* {"local_users", "cached", "cached_bad", "queued", "threads", "busy", "asked", "from_cache",
 *  "denied", "unavailable", "refused_busy", "stale", "directory": {"enabled", "state":
 *  "off|untried|up|down", "servers": [{"server", "state", "detail", "failures", "last_ok_ms",
 *  "last_failure_ms", "retry_at_ms"}]}} */
json_t *people_status(struct people *p);

void people_forget(struct people *p, const char *user); /* "": everybody */

/* request: {"settings": {..} (absent or null: those in force), "username", "password" (absent or
 * null: only look the account up)}; answer: {"ok", "steps": [{"step", "ok", "ms", "detail"}]} or
 * {"ok": false, "error"}. Blocks for some timeouts. */
json_t *people_test(struct people *p, const json_t *request);

#endif
