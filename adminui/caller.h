/* caller: who asks, and what a role may do. Pure. Threads: values only. */
#ifndef ADMINUI_CALLER_H
#define ADMINUI_CALLER_H

#include "base/str.h"
#include "db/admin_rows.h"

enum permission {
    PERMISSION_PUBLIC, /* anybody, also without a name */
    PERMISSION_SELF,   /* any caller who is known */
    PERMISSION_READ,
    PERMISSION_LOG,
    PERMISSION_AUDIT,
    PERMISSION_EDIT,
    PERMISSION_PUBLISH,
    PERMISSION_ADMIN,
};
#define PERMISSIONS 8

enum via { VIA_NOBODY, VIA_SESSION, VIA_TOKEN, VIA_SOCKET };

#define CALLER_NAME_MAX 128

struct caller {
    enum via via;
    enum admin_role role;
    char name[CALLER_NAME_MAX + 1];
    char person[CALLER_NAME_MAX + 1];     /* who that is: a token is the person that made it */
    unsigned char hash[ADMIN_HASH_BYTES]; /* of the session */
    char token_id[33];                    /* empty: no token */
    char csrf[65];                        /* of the session */
    int64_t expires_at_ms;                /* 0: does not */
    bool must_change_password;
    bool is_use_due; /* the store should learn that session or token was used */
};

const char *permission_name(enum permission p);
const char *via_name(enum via v);

/* Deny by default: what is not in the table is not allowed. */
bool role_may(enum admin_role r, enum permission p);

#endif
