/* id_local: the people this proxy knows itself, as a sorted table. Owner: the table borrows the
 * users of a config. Threads: read-only once made; id_local_check is slow (argon2). */
#ifndef PROXYD_IDENTITY_ID_LOCAL_H
#define PROXYD_IDENTITY_ID_LOCAL_H

#include "proxyd/identity/identity.h"

/* Sorts users by name, case aside, in place. */
void id_local_sort(struct identity_local_user *users, size_t n);

/* NULL: there is nobody of this name. users sorted. */
const struct identity_local_user *id_local_find(const struct identity_local_user *users, size_t n,
                                                struct str name);

/* OK or ERR_DENIED; the same work for one who may not log in. */
enum err id_local_check(const struct identity_local_user *u, struct str password) MUST_CHECK;

#endif
