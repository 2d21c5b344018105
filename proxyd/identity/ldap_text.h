/* ldap_text: the texts that go to and come from a directory: escaping for filters and names, login
 * forms, and what a refused bind means. Nothing of a user's input reaches a filter or a DN but
 * through here. Pure. Called by this room alone. Threads: safe anywhere.
 * See: RFC 4515 (filters), RFC 4514 (names), MS-ADTS 3.1.1.3.1.4 (error 49 sub-codes). */
#ifndef PROXYD_IDENTITY_LDAP_TEXT_H
#define PROXYD_IDENTITY_LDAP_TEXT_H

#include "base/buf.h"

/* Appends `value` so that it stands for itself inside a filter assertion: * ( ) \ NUL, control
 * bytes and everything that is not ASCII become \xx. */
void ldap_text_filter_value(struct buf *out, struct str value);

/* Appends `value` so that it stands for itself as one attribute value of a DN. */
void ldap_text_dn_value(struct buf *out, struct str value);

/* Appends `pattern` with every "{user}" replaced by the login, escaped for the place it stands in.
 * ERR_INVALID: there is no {user} in it; ERR_LIMIT, ERR_NOMEM. */
enum ldap_text_place { LDAP_TEXT_FILTER, LDAP_TEXT_DN, LDAP_TEXT_PLAIN };
enum err ldap_text_expand(struct buf *out, struct str pattern, struct str login,
                          enum ldap_text_place place) MUST_CHECK;

/* A login name that may be looked up at all: 1 to LDAP_TEXT_LOGIN_MAX bytes of UTF-8 without
 * control bytes. */
#define LDAP_TEXT_LOGIN_MAX 256
bool ldap_text_is_login(struct str login);

/* The value of the first RDN of a DN, unescaped, into `out`: "cn=R\2c D,ou=x" gives "R, D" (any
 * attribute). ERR_INVALID: not a DN; ERR_LIMIT. */
enum err ldap_text_first_value(struct str dn, struct buf *out) MUST_CHECK;

/* The same DN spelt once: lower-case ASCII, no spaces around separators, escapes as hexadecimal
 * pairs only. For comparing and for remembering which were seen. ERR_INVALID, ERR_LIMIT. */
enum err ldap_text_dn_key(struct str dn, struct buf *out) MUST_CHECK;

/* Why a bind or an account was refused, for the log and for administrators, never for the user. */
enum ldap_refusal {
    LDAP_REFUSAL_NONE,
    LDAP_REFUSAL_PASSWORD,     /* wrong password; AD 52e */
    LDAP_REFUSAL_NO_USER,      /* no such user; AD 525 */
    LDAP_REFUSAL_AMBIGUOUS,    /* more than one entry fits the login */
    LDAP_REFUSAL_TIME,         /* AD 530: not at this hour */
    LDAP_REFUSAL_STATION,      /* AD 531: not from here */
    LDAP_REFUSAL_OLD_PASSWORD, /* AD 532, ppolicy: password expired */
    LDAP_REFUSAL_DISABLED,     /* AD 533, userAccountControl */
    LDAP_REFUSAL_EXPIRED,      /* AD 701, accountExpires, shadowExpire */
    LDAP_REFUSAL_MUST_CHANGE,  /* AD 773 */
    LDAP_REFUSAL_LOCKED,       /* AD 775, pwdAccountLockedTime, ppolicy */
    LDAP_REFUSAL_NOT_ALLOWED,  /* the server will not do it (rights, strong authentication) */
};
const char *ldap_refusal_name(enum ldap_refusal r);     /* "password-expired": for logs; static */
const char *ldap_refusal_sentence(enum ldap_refusal r); /* for administrators; static */

/* From the diagnostic text of a result 49 ("80090308: LdapErr: ..., data 52e, v4563"); a text
 * without a sub-code is LDAP_REFUSAL_PASSWORD. */
enum ldap_refusal ldap_text_bind_refusal(struct str diagnostic);

/* From the attributes of an entry, each empty when absent; wall_ms is now (Unix time in ms).
 * uac and account_expires as AD stores them (userAccountControl, accountExpires), shadow_expire in
 * days (shadowExpire), locked_at is pwdAccountLockedTime (only the "until cleared" value counts
 * here: the server itself judges a lock of some duration at the bind), login_disabled is
 * loginDisabled or nsAccountLock. */
struct ldap_account {
    struct str uac, account_expires, shadow_expire, locked_at, login_disabled;
};
enum ldap_refusal ldap_text_account(const struct ldap_account *a, int64_t wall_ms);

#endif
