/* password: argon2id through libargon2. */
#include "base/password.h"

#include <argon2.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#define SALT_BYTES 16
#define HASH_BYTES 32

enum err password_hash(struct str password, char out[PASSWORD_HASH_BYTES])
{
    unsigned char salt[SALT_BYTES];
    if (password.n == 0)
        return ERR_INVALID;
    if (password.n > PASSWORD_MAX)
        return ERR_LIMIT;
    enum err e = secret_random(salt, sizeof salt);
    if (e != OK)
        return e;
    int rc = argon2id_hash_encoded(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, 1, password.p, password.n,
                                   salt, sizeof salt, HASH_BYTES, out, PASSWORD_HASH_BYTES);
    return rc == ARGON2_OK ? OK : ERR_NOMEM;
}

enum err password_check(struct str hash, struct str password)
{
    char z[512];
    if (hash.n == 0 || hash.n >= sizeof z || !str_starts(hash, STR("$argon2id$")))
        return ERR_CORRUPT;
    if (password.n == 0 || password.n > PASSWORD_MAX)
        return ERR_DENIED;
    memcpy(z, hash.p, hash.n);
    z[hash.n] = '\0';
    switch (argon2id_verify(z, password.p, password.n)) {
    case ARGON2_OK: return OK;
    case ARGON2_VERIFY_MISMATCH: return ERR_DENIED;
    case ARGON2_MEMORY_ALLOCATION_ERROR: return ERR_NOMEM;
    default: return ERR_CORRUPT;
    }
}

enum err password_check_nobody(struct str password)
{
    unsigned char out[HASH_BYTES];
    static const char salt[SALT_BYTES + 1] = "nobody's salt...";
    if (password.n == 0 || password.n > PASSWORD_MAX)
        return ERR_DENIED;
    int rc = argon2id_hash_raw(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, 1, password.p, password.n,
                               salt, SALT_BYTES, out, sizeof out);
    (void)rc; /* only the work counts */
    secret_wipe(out, sizeof out);
    return ERR_DENIED;
}

bool password_is_outdated(struct str hash)
{
    char today[64];
    int n = snprintf(today, sizeof today, "$argon2id$v=19$m=%d,t=%d,p=1$", PASSWORD_MEMORY_KIB,
                     PASSWORD_PASSES);
    return !str_starts(hash, str_make(today, (size_t)n));
}
