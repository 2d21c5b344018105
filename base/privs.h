/* privs: what a daemon of ours does about its rights and limits at start. Called by the two mains,
 * in this order: limits, state directory, bind the ports, drop. Threads: before any thread is
 * started. */
#ifndef BASE_PRIVS_H
#define BASE_PRIVS_H

#include "base/str.h"

/* Raises the soft limit of open descriptors to the hard one; returns the limit now in force. */
uint64_t privs_raise_nofile(void);

/* Makes the state directory with mode 0700 when it is missing (its parent must be there), and
 * checks that it can be written. When root and the user exists, the directory is given to that
 * user. ERR_NOT_FOUND (parent), ERR_DENIED, ERR_FULL, ERR_IO. */
enum err privs_state_dir(const char *path, const char *user) MUST_CHECK;

/* When root: becomes the user for good (groups, gid, uid). OK also when not root or when user is
 * "root". ERR_NOT_FOUND: there is no such user, nothing was changed. ERR_DENIED: the system
 * refused. */
enum err privs_drop(const char *user) MUST_CHECK;

/* Forbids gaining rights by exec and dumping of memory that holds secrets (PR_SET_NO_NEW_PRIVS,
 * PR_SET_DUMPABLE). */
void privs_harden(void);

#endif
