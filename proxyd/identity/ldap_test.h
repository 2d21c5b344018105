/* ldap_test: a login step by step, for administrators. Called by id_ldap only.
 * Threads: blocks; helper threads. */
#ifndef PROXYD_IDENTITY_LDAP_TEST_H
#define PROXYD_IDENTITY_LDAP_TEST_H

#include "proxyd/identity/id_ldap.h"

/* As id_ldap_test; every text of the settings is set. */
size_t ldap_test_run(const struct ldap_settings *s, const struct id_ldap_ask *ask,
                     struct id_ldap_step steps[ID_LDAP_STEPS_MAX]);

#endif
