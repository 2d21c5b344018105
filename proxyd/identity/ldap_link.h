/* ldap_link: one connection to one LDAP server over libldap, with every default of libldap that
 * surprises switched off: referrals, unbounded waits, unverified TLS, anonymous success.
 * Owner: the caller, until ldap_link_close. Threads: one handle, one thread; blocks within the
 * timeouts of the settings. `detail` is always static text, for log and admin. */
#ifndef PROXYD_IDENTITY_LDAP_LINK_H
#define PROXYD_IDENTITY_LDAP_LINK_H

#include <ldap.h>

#include "base/buf.h"
#include "proxyd/identity/ldap_settings.h"

/* Lets libldap set up what all its threads share, before there are several. */
void ldap_link_prepare(void);

/* Connects, with TLS as the settings say. more (may be NULL) gets the library's own words on a
 * failure. ERR_UNREACHABLE, ERR_TIMEOUT, ERR_INVALID, ERR_NOMEM. */
enum err ldap_link_open(const struct ldap_settings *s, const char *url, LDAP **out,
                        const char **detail, struct buf *more) MUST_CHECK;
void ldap_link_close(LDAP *ld); /* NULL is fine */

/* Simple bind. An empty dn or password never reaches the server: ERR_DENIED. ERR_DENIED: refused;
 * ERR_INVALID: the server wants it otherwise (TLS, signing); ERR_UNREACHABLE, ERR_TIMEOUT. */
enum err ldap_link_bind(LDAP *ld, const struct ldap_settings *s, const char *dn,
                        struct str password, const char **detail) MUST_CHECK;

/* Binds as the service account of the settings, or not at all when there is none. A refusal is
 * ERR_INVALID: it is the administrator's matter. */
enum err ldap_link_bind_service(LDAP *ld, const struct ldap_settings *s,
                                const char **detail) MUST_CHECK;

struct ldap_link_query {
    const char *base;
    int scope; /* LDAP_SCOPE_... */
    const char *filter;
    const char *const *attributes; /* ends with NULL */
    int size_limit;                /* 0: the server's */
};
/* OK with *out to be freed by ldap_msgfree, also when the server cut the result (*is_cut).
 * ERR_NOT_FOUND: no such base. ERR_INVALID: filter or rights. ERR_UNREACHABLE, ERR_TIMEOUT. */
enum err ldap_link_search(LDAP *ld, const struct ldap_settings *s, const struct ldap_link_query *q,
                          LDAPMessage **out, bool *is_cut) MUST_CHECK;

/* Static text for a result of libldap. */
const char *ldap_link_text(int result);

#endif
