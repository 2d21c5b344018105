/* caller: roles and permissions as one table. */
#include "adminui/caller.h"

#define BIT(p) (1u << (p))
#define COMMON (BIT(PERMISSION_PUBLIC) | BIT(PERMISSION_SELF) | BIT(PERMISSION_READ))

static const unsigned may[] = {
    [ADMIN_VIEWER] = COMMON,
    [ADMIN_AUDITOR] = COMMON | BIT(PERMISSION_LOG) | BIT(PERMISSION_AUDIT),
    [ADMIN_EDITOR] = COMMON | BIT(PERMISSION_LOG) | BIT(PERMISSION_EDIT) | BIT(PERMISSION_PUBLISH),
    [ADMIN_ADMIN] = COMMON | BIT(PERMISSION_LOG) | BIT(PERMISSION_AUDIT) | BIT(PERMISSION_EDIT) |
                    BIT(PERMISSION_PUBLISH) | BIT(PERMISSION_ADMIN),
};

const char *permission_name(enum permission p)
{
    static const char *const names[PERMISSIONS] = {"public", "self", "read",    "log",
                                                   "audit",  "edit", "publish", "admin"};
    return names[p];
}

const char *via_name(enum via v)
{
    static const char *const names[] = {"login", "session", "token", "socket"};
    return names[v];
}

bool role_may(enum admin_role r, enum permission p)
{
    return (may[r] & BIT(p)) != 0;
}
