/* ldap_settings: how to ask one directory; made from the `directory` settings by proxyd/main, read
 * by the LDAP modules. All texts are zero-terminated and borrowed; id_ldap_new copies them.
 * Threads: values only. */
#ifndef PROXYD_IDENTITY_LDAP_SETTINGS_H
#define PROXYD_IDENTITY_LDAP_SETTINGS_H

#include "base/str.h"

#define LDAP_SERVERS_MAX 8

enum ldap_bind_mode {
    LDAP_BIND_SEARCH, /* service account finds the one entry, then bind as that DN */
    LDAP_BIND_DIRECT, /* the name goes into dn_template, and that is bound */
};

enum ldap_group_source {
    LDAP_GROUPS_NONE,
    LDAP_GROUPS_MEMBEROF, /* the attribute of the user's entry */
    LDAP_GROUPS_SEARCH,   /* groups whose member attribute holds the user */
    LDAP_GROUPS_IN_CHAIN, /* Active Directory: one search by rule 1.2.840.113556.1.4.1941 */
};

struct ldap_settings {
    const char
        *urls[LDAP_SERVERS_MAX]; /* "ldap://host[:port]", "ldaps://host[:port]", in order of use */
    size_t n_urls;
    bool start_tls;        /* on ldap:// */
    bool may_be_cleartext; /* passwords without TLS: only when an admin unlocked it */
    bool is_verify_off;    /* certificates are verified unless an admin switched it off */
    const char *ca_file;   /* PEM; NULL or "": the system's */

    enum ldap_bind_mode mode;
    const char *bind_dn, *bind_password; /* service account; empty: anonymous search */
    const char *base_dn;
    const char *login_attribute; /* "uid", "sAMAccountName" */
    const char *user_filter;     /* and-ed to the login; may be empty; "(objectClass=person)" */
    const char *dn_template; /* direct: "uid=%s,ou=People,dc=x", "%s@corp.example", "CORP\\%s" */

    enum ldap_group_source groups;
    bool is_nested;                   /* groups of groups too, by searching group_base */
    const char *group_base;           /* empty: base_dn */
    const char *group_filter;         /* and-ed; may be empty */
    const char *member_attribute;     /* "member", "uniqueMember", "memberUid" */
    bool member_is_login;             /* its values are login names, not DNs (memberUid) */
    const char *group_name_attribute; /* "cn" */

    uint32_t connect_ms;   /* 0: 3000 */
    uint32_t operation_ms; /* 0: 5000 */
};

#endif
