/* id_ldap: a login against a directory, whole: find the entry, bind as it, read its groups; servers
 * in order, those that failed left alone for a while. Blocks for at most a few timeouts: called on
 * helper threads only.
 * Owner: id_ldap is shared and counted; an id_ldap_link belongs to one thread and keeps its search
 * connection open between logins. Threads: id_ldap functions anywhere; one link, one thread.
 * See: RFC 4511, RFC 4513 5.1.2 (empty passwords), RFC 4515. */
#ifndef PROXYD_IDENTITY_ID_LDAP_H
#define PROXYD_IDENTITY_ID_LDAP_H

#include "base/arena.h"
#include "base/clock.h"
#include "proxyd/identity/ldap_settings.h"

#define ID_LDAP_GROUPS_MAX 1000
#define ID_LDAP_DEPTH_MAX  32 /* levels of nested groups */

struct id_ldap;      /* one directory: settings and what is known of its servers */
struct id_ldap_link; /* one helper thread's connections */

/* Copies the settings. clock is borrowed as long as the object lives. ERR_INVALID (no server, a URL
 * libldap does not take, cleartext not unlocked), ERR_NOMEM. One reference is the caller's. */
enum err id_ldap_new(const struct ldap_settings *s, const struct clock *clock,
                     struct id_ldap **out) MUST_CHECK;
struct id_ldap *id_ldap_ref(struct id_ldap *d);
void id_ldap_unref(struct id_ldap *d); /* NULL is fine */

/* NULL when out of memory. A link may be used with another directory than the last time; it
 * reconnects. */
struct id_ldap_link *id_ldap_link_new(void);
void id_ldap_link_free(struct id_ldap_link *l);

struct id_ldap_answer {
    struct str user;         /* canonical: the value of the login attribute */
    struct str *groups;      /* names, sorted, each once */
    struct str *group_paths; /* of each: its name when direct, else "it<that one<the direct one"; a
                                '?' stands for what was not found out */
    size_t n_groups;
    bool is_cut; /* more than ID_LDAP_GROUPS_MAX, or nested deeper than ID_LDAP_DEPTH_MAX */
    const char
        *detail; /* for log and admin, never for the user: "wrong password", "account disabled" */
};

struct id_ldap_ask {
    struct str user, password; /* as typed; an empty password is refused without asking */
    struct arena *arena;       /* everything in the answer lives here */
};

/* OK: who it is. ERR_DENIED: wrong name or password, or the account may not log in.
 * ERR_UNREACHABLE, ERR_TIMEOUT: no server gave an answer. ERR_INVALID: our own account or settings
 * are refused (the admin's fault, not the user's: to be treated as unavailable). answer->detail is
 * always set. */
enum err id_ldap_login(struct id_ldap *d, struct id_ldap_link *l, const struct id_ldap_ask *ask,
                       struct id_ldap_answer *answer) MUST_CHECK;

/* --- for administrators ---------------------------------------------------------------------- */

enum id_ldap_state { ID_LDAP_UNTRIED, ID_LDAP_UP, ID_LDAP_DOWN /* left alone until retry_at_ms */ };

struct id_ldap_server {
    const char *url; /* lives as long as the directory */
    enum id_ldap_state state;
    const char *detail;                               /* of the last failure; static text */
    unsigned failures;                                /* in a row */
    int64_t last_ok_ms, last_failure_ms, retry_at_ms; /* Unix time, 0: never */
};
/* Returns the number of servers. */
size_t id_ldap_status(const struct id_ldap *d, struct id_ldap_server out[LDAP_SERVERS_MAX]);

#define ID_LDAP_STEPS_MAX 24
struct id_ldap_step {
    const char *step; /* settings connect tls service-bind name search user-bind groups */
    bool ok;
    uint32_t ms;
    struct str detail; /* in the arena of the ask */
};
/* Goes through every server from the start, and with the first that works through the rest of a
 * login. Without a password the bind as the user is left out. Returns the number of steps; the
 * login as a whole works when the last one is ok. */
size_t id_ldap_test(const struct ldap_settings *s, const struct id_ldap_ask *ask,
                    struct id_ldap_step steps[ID_LDAP_STEPS_MAX]);

#endif
