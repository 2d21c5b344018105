/* id_groups: which groups a directory user is in, nested ones by a walk upwards that asks for many
 * at once, knows where it has been, and has a bound on depth and number. Called by id_ldap only.
 * Threads: as the handle: one. */
#ifndef PROXYD_IDENTITY_ID_GROUPS_H
#define PROXYD_IDENTITY_ID_GROUPS_H

#include <ldap.h>

#include "proxyd/identity/id_ldap.h"

struct id_groups_user {
    struct str dn, login;
    struct str *member_of; /* values of memberOf: DNs */
    size_t n_member_of;
    bool is_cut; /* the server did not send all of them */
};

/* Fills answer->groups, n_groups and is_cut. Errors as ldap_link_search; ERR_NOMEM. */
enum err id_groups_of(LDAP *ld, const struct ldap_settings *s, const struct id_groups_user *u,
                      struct arena *a, struct id_ldap_answer *answer) MUST_CHECK;

#endif
