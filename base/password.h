/* password: argon2id hashes of passwords in the PHC string form, which carries its own parameters.
 * Slow on purpose (tens of milliseconds and PASSWORD_MEMORY_KIB of memory a call): call it off the
 * event loop. Threads: safe anywhere. See: RFC 9106. */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include "base/str.h"

#define PASSWORD_HASH_BYTES 160 /* a PHC string of ours and its zero */
#define PASSWORD_MAX        1024
#define PASSWORD_MEMORY_KIB 19456 /* RFC 9106 and OWASP's floor: 19 MiB, 2 passes, 1 lane */
#define PASSWORD_PASSES     2

/* ERR_INVALID: empty; ERR_LIMIT: longer than PASSWORD_MAX; ERR_NOMEM; ERR_IO (no random bytes). */
enum err password_hash(struct str password, char out[PASSWORD_HASH_BYTES]) MUST_CHECK;

/* OK: it fits. ERR_DENIED: it does not, or is empty. ERR_CORRUPT: not a hash we can read. Takes the
 * same time whether it fits or not. */
enum err password_check(struct str hash, struct str password) MUST_CHECK;

/* The same work as a check, for names that do not exist, so that time does not tell. Always
 * ERR_DENIED. */
enum err password_check_nobody(struct str password) MUST_CHECK;

/* Was the hash made with weaker parameters than today's? Then hash anew after a good check. */
bool password_is_outdated(struct str hash);

#endif
