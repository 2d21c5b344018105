/* ldap_login: the pieces of one login on one server, over handles that are open and bound. Called
 * by id_ldap (a login) and ldap_test (step by step). Everything found lives in the ask's arena.
 * Threads: as the handles: one. Each sets answer->detail. Errors as id_ldap_login. */
#ifndef PROXYD_IDENTITY_LDAP_LOGIN_H
#define PROXYD_IDENTITY_LDAP_LOGIN_H

#include "proxyd/identity/id_groups.h"

struct ldap_login {
    LDAP *search, *bind; /* what to search and to bind on; may be the same (direct) */
    const struct ldap_settings *s;
    const struct id_ldap_ask *ask;
    struct id_ldap_answer *answer;
    int64_t now_ms;
    const char *dn; /* of the user, zero-terminated */
    struct id_groups_user user;
};

/* Search mode: the one entry with this login. */
enum err ldap_login_search(struct ldap_login *g) MUST_CHECK;
/* Direct mode: the DN (or other bind name) from the template; and, once bound, the entry. */
enum err ldap_login_name(struct ldap_login *g) MUST_CHECK;
enum err ldap_login_find(struct ldap_login *g) MUST_CHECK;

enum err ldap_login_bind(struct ldap_login *g) MUST_CHECK; /* as g->dn with the ask's password */
enum err
ldap_login_groups(struct ldap_login *g) MUST_CHECK; /* and the name: completes the answer */

/* All of it in the order of the mode. */
enum err ldap_login_run(struct ldap_login *g) MUST_CHECK;

#endif
