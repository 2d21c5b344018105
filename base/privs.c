/* privs: limits, state directory, and dropping of rights. */
#include "base/privs.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t privs_raise_nofile(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 1024;
    rlim_t was = r.rlim_cur;
    r.rlim_cur = r.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &r) == 0 ? (uint64_t)r.rlim_cur : (uint64_t)was;
}

/* The user's entry; the strings inside live in *scratch, to be freed by the caller. */
static enum err find_user(const char *user, struct passwd *out, char **scratch)
{
    struct passwd *hit = NULL;
    size_t n = 16384;
    *scratch = malloc(n);
    if (!*scratch)
        return ERR_NOMEM;
    getpwnam_r(user, out, *scratch, n, &hit);
    return hit ? OK : ERR_NOT_FOUND;
}

enum err privs_state_dir(const char *path, const char *user)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_from_errno(errno);
    struct passwd pw;
    char *scratch = NULL;
    enum err e = OK;
    if (geteuid() == 0 && find_user(user, &pw, &scratch) == OK &&
        chown(path, pw.pw_uid, pw.pw_gid) != 0)
        e = err_from_errno(errno);
    free(scratch);
    if (e == OK && access(path, R_OK | W_OK | X_OK) != 0)
        e = err_from_errno(errno);
    return e;
}

enum err privs_drop(const char *user)
{
    if (geteuid() != 0 || strcmp(user, "root") == 0)
        return OK;
    struct passwd pw;
    char *scratch = NULL;
    enum err e = find_user(user, &pw, &scratch);
    if (e == OK && (initgroups(pw.pw_name, pw.pw_gid) != 0 || setgid(pw.pw_gid) != 0 ||
                    setuid(pw.pw_uid) != 0))
        e = ERR_DENIED;
    if (e == OK && pw.pw_uid != 0 && setuid(0) == 0)
        e = ERR_DENIED; /* it did not stick */
    free(scratch);
    return e;
}

void privs_harden(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
