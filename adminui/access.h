/* access: who the caller is (session cookie, bearer token, peer of the unix socket), whether the
 * request comes from the dashboard itself (CSRF), and whether the route allows it. Runs on the
 * doors' threads before a body is read, over one store connection of its own.
 * Owner: access_open/close. Threads: any; a lock inside.
 * Limits: session 30 min idle, 12 h in all. See: OWASP session and CSRF notes; RFC 6750. */
#ifndef ADMINUI_ACCESS_H
#define ADMINUI_ACCESS_H

#include "adminui/app.h"
#include "adminui/call.h"
#include "adminui/login_limit.h"

#define ACCESS_IDLE_MS  ((int64_t)30 * 60 * 1000)
#define ACCESS_TOTAL_MS ((int64_t)12 * 60 * 60 * 1000)
#define ACCESS_TOUCH_MS ((int64_t)60 * 1000) /* use is written down at most this often */
#define ACCESS_TOKEN    "pfx_"

struct access_input {
    struct str authorization, origin, csrf, fetch_site;
    struct str host; /* as in the Host field */
    bool is_tls;
    bool is_local; /* unix socket */
    uid_t peer;    /* of the unix socket */
};

enum err access_open(struct app *app, struct access **out) MUST_CHECK;
void access_close(struct access *a); /* NULL is fine */

/* Fills c->caller and judges the route; answers the problem and returns false otherwise. */
bool access_check(struct call *c, const struct access_input *in);

struct login_limit *access_login_limit(struct access *a);

/* Name of the session cookie: with the __Host- prefix over TLS. */
const char *access_cookie_name(bool is_tls);
/* The value of one cookie; empty when it is not there. Pure. */
struct str access_cookie(struct str cookies, const char *name);
/* Is a change by this request asked for by our own pages? Pure; the session's token is compared
 * when there is a session. */
bool access_is_same_origin(const struct access_input *in);

/* May it be called by somebody whose password is still the one-time one? Pure. */
bool access_is_open_to_newcomers(const struct route *r);

/* SHA-256: how session and token secrets are stored. */
void access_hash(struct str secret, unsigned char out[ADMIN_HASH_BYTES]);

#endif
