/* policy_store: open policy.db, back it up. */
#include "db/policy_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "db/migrate.h"
#include "db/row.h"

static enum err prepare(struct store *s, enum store_mode mode)
{
    enum err e = store_check(s);
    if (e != OK)
        return e;
    return mode == STORE_READ ? migrate_look(s, &migrate_policy_plan)
                              : migrate_run(s, &migrate_policy_plan);
}

enum err policy_store_open(const char *path, enum store_mode mode, char why[STORE_WHY_BYTES],
                           struct store **out)
{
    struct store *s;
    enum err e = store_open(path, mode, why, &s);
    if (e != OK)
        return e;
    e = prepare(s, mode);
    if (e != OK) {
        memcpy(why, store_why(s), STORE_WHY_BYTES);
        store_close(s);
        return e;
    }
    *out = s;
    return OK;
}

enum err policy_store_backup(struct store *s, const char *to_path)
{
    /* SQLite takes an empty file as target: so it is made here, readable by its owner alone. */
    int fd = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return store_fail(s, err_from_errno(errno), "cannot create %s: %s", to_path,
                          strerror(errno));
    close(fd);
    enum err e = row_run(s, ROW_SQL("VACUUM INTO ?1", ROW_TEXT(str_of(to_path))));
    if (e != OK)
        unlink(to_path);
    return e;
}
