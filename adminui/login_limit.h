/* login_limit: how often a name or an address may try a password. After LOGIN_LIMIT_FREE failures
 * each further one doubles the wait, up to LOGIN_LIMIT_MAX_MS; a success clears the name's record,
 * LOGIN_LIMIT_FORGET_MS without a failure forgets it. Time is passed in.
 * Owner: login_limit_new/free. Threads: any; a lock inside. Limit: LOGIN_LIMIT_ENTRIES, the oldest
 * makes room. */
#ifndef ADMINUI_LOGIN_LIMIT_H
#define ADMINUI_LOGIN_LIMIT_H

#include "base/str.h"

#define LOGIN_LIMIT_FREE      5
#define LOGIN_LIMIT_MAX_MS    ((int64_t)5 * 60 * 1000)
#define LOGIN_LIMIT_FORGET_MS ((int64_t)60 * 60 * 1000)
#define LOGIN_LIMIT_ENTRIES   4096

struct login_limit;

struct login_limit *login_limit_new(void); /* NULL: no memory */
void login_limit_free(struct login_limit *l);

/* Milliseconds to wait before this key may try again; 0: now. */
int64_t login_limit_wait_ms(struct login_limit *l, struct str key, int64_t now_ms);
void login_limit_failed(struct login_limit *l, struct str key, int64_t now_ms);
void login_limit_succeeded(struct login_limit *l, struct str key);

#endif
