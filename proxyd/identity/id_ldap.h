/* id_ldap: one LDAP directory: are this name and password right, who is that, and in which groups?
 * Several servers in their order with a circuit breaker each; connections for the search account
 * are kept, one in use by one thread at a time; the user's own bind has a connection of its own.
 * Blocks, within the configured times: for helper threads only.
 * Owner: id_ldap_new/id_ldap_free, heap. Threads: id_ldap_check, id_ldap_status anywhere, at once.
 * See: RFC 4511, RFC 4513 5.1.2 (empty password), RFC 4514 and 4515 (escaping). */
#ifndef PROXYD_IDENTITY_ID_LDAP_H
#define PROXYD_IDENTITY_ID_LDAP_H

#include <jansson.h>

#include "base/arena.h"
#include "base/clock.h"

#define ID_LDAP_SERVERS_MAX 8
#define ID_LDAP_STEPS_MAX   12

enum id_ldap_tls {
    ID_LDAP_PLAIN,    /* refused by the settings unless unlocked */
    ID_LDAP_STARTTLS, /* never goes on in clear when it fails */
    ID_LDAP_TLS,      /* ldaps */
};

struct id_ldap_server {
    struct str host; /* name or address, IPv6 without brackets; the certificate is checked for it */
    uint16_t port;
    enum id_ldap_tls tls;
};

enum id_ldap_groups {
    ID_LDAP_NO_GROUPS,
    ID_LDAP_MEMBER_OF, /* the user's memberOf; with is_nested the memberOf of those groups as well
                        */
    ID_LDAP_SEARCH, /* groups that name the user; with is_nested those that name these, and so on */
    ID_LDAP_IN_CHAIN, /* Active Directory's own walk (1.2.840.113556.1.4.1941) */
};

struct id_ldap_config { /* every text ends in a zero byte as well */
    struct id_ldap_server servers[ID_LDAP_SERVERS_MAX];
    size_t n_servers;
    bool verify;        /* chain and name of the server's certificate */
    struct str ca_file; /* empty: the system's */
    bool is_direct;     /* bind as direct_dn with {user} replaced; else search, then bind */
    struct str direct_dn;
    struct str bind_dn, bind_password; /* the search account; empty: anonymous */
    struct str base;                   /* where people are searched, subtree */
    struct str user_filter;            /* ANDed with login_attribute=name; may be empty */
    struct str login_attribute; /* "uid", "sAMAccountName": its value is the canonical name */
    enum id_ldap_groups groups_from;
    struct str group_base, group_filter; /* empty base: `base`; empty filter: any entry */
    struct str member_attribute;         /* "member", "uniqueMember" (DNs), "memberUid" (names) */
    struct str group_name_attribute;     /* "cn": its value is the group's name in policies */
    bool is_nested;
    unsigned max_depth, max_groups;
    unsigned connect_ms, operation_ms;
};

enum id_ldap_verdict { ID_LDAP_GOOD, ID_LDAP_WRONG, ID_LDAP_UNAVAILABLE };

struct id_ldap_reply {
    enum id_ldap_verdict verdict;
    struct str name;          /* canonical, on GOOD */
    const struct str *groups; /* on GOOD, without doubles */
    size_t n_groups;
    const char *reason; /* static, for administrators: "wrong-password" "no-such-user" "not-unique"
                           "expired" "disabled" "locked" "must-change-password" "unreachable" "tls"
                           "bind-account" "timeout" "refused" ... */
};

struct id_ldap;

/* c: borrowed until id_ldap_free. ERR_NOMEM. Does not connect. */
enum err id_ldap_new(const struct id_ldap_config *c, const struct clock *clock,
                     struct id_ldap **out) MUST_CHECK;
void id_ldap_free(struct id_ldap *d); /* NULL is fine; no call may be running */

/* Always answers. user and password: not empty (identity refuses those), any bytes, no zero byte.
 * Texts of the reply live in the arena. */
void id_ldap_check(struct id_ldap *d, struct str user, struct str password, struct arena *a,
                   struct id_ldap_reply *out);

/* [{"server": "ldaps://dc1:636", "state": "up|down|untried", "since_ms": n, "failures": n,
 *   "last_error": "..", "retry_in_ms": n, "connections": n}, ..]; NULL: out of memory. */
json_t *id_ldap_status(struct id_ldap *d);

struct id_ldap_step {
    const char *step; /* "connect" "tls" "bind" "search" "login" "groups" */
    bool is_ok;
    unsigned ms;
    char detail[256]; /* for people: the server and certificate, the DN found, the groups, the error
                       */
};

/* Tries everything once on fresh connections, against the first server that connects; password
 * empty: without the login step. Stops at the first step that fails. Returns the number of steps.
 */
size_t id_ldap_test(const struct id_ldap_config *c, struct str user, struct str password,
                    struct id_ldap_step out[ID_LDAP_STEPS_MAX]);

#endif
