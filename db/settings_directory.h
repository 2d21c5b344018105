/* settings_directory: the settings document "directory" (JSON text) as a value: the LDAP servers
 * where people are looked up. Every fault is reported at once with its JSON pointer. Called by
 * adminui (validation) and proxyd/main (use). Pure but for memory. Owner: settings_directory_fini
 * works on a zeroed one. Threads: safe anywhere.
 *
 * {"enabled": false,                  false: local people only
 *  "servers": ["ldaps://dc1.example.com", "ldap://dc2.example.com:389"],  in order of preference
 *  "starttls": true,                  TLS on ldap:// before anything else is sent
 *  "allow_cleartext": false,          ldap:// without StartTLS is refused until this is true
 *  "verify": true,                    certificate chain and name
 *  "ca_file": "",                     PEM file of the authority; "" = those of the system
 *  "bind_dn": "", "bind_password": "",   who searches; both empty = anonymously
 *  "mode": "search",                  find the entry, then bind as it; or "direct"
 *  "base": "dc=example,dc=com",
 *  "user_filter": "(objectClass=person)",       must fit as well; may be empty
 *  "login_attribute": "uid",          its value is the name in policies and records
 *  "direct_dn": "",                   direct: "uid={user},ou=People,dc=example,dc=com",
 *                                     "{user}@corp.example.com" or "CORP\\{user}"
 *  "groups": {"from": "memberof",     memberof, search, in-chain (Active Directory), none
 *             "base": "",             "" = that of the users
 *             "filter": "", "member_attribute": "member",   or uniqueMember, memberUid (logins)
 *             "name_attribute": "cn", "nested": true},
 *  "timeouts_ms": {"connect": 3000, "operation": 5000},
 *  "cache_s": {"good": 300, "bad": 45, "stale": 14400}}   stale: how long people already known go
 *                                     on while no server answers
 * Every key may be left out: the value above holds, but servers, base and direct_dn start empty. */
#ifndef DB_SETTINGS_DIRECTORY_H
#define DB_SETTINGS_DIRECTORY_H

#include "base/arena.h"
#include "base/report.h"

#define SETTINGS_DIRECTORY_SERVERS 8

enum directory_groups {
    DIRECTORY_GROUPS_MEMBEROF,
    DIRECTORY_GROUPS_SEARCH,
    DIRECTORY_GROUPS_IN_CHAIN,
    DIRECTORY_GROUPS_NONE,
};

/* All texts end in a zero byte and are never without an address. */
struct settings_directory {
    struct arena arena; /* holds the texts */
    struct str servers[SETTINGS_DIRECTORY_SERVERS];
    size_t n_servers; /* at least one when enabled */
    bool is_enabled, has_starttls, may_be_cleartext, is_verified, is_direct, is_nested;
    struct str ca_file, bind_dn, bind_password;
    struct str base, user_filter, login_attribute, direct_dn;
    enum directory_groups groups;
    struct str group_base, group_filter, member_attribute, group_name_attribute;
    uint32_t connect_ms, operation_ms;
    uint32_t good_s, bad_s, stale_s;
};

/* The document that holds until an administrator stores one: all keys, the directory off. */
struct str settings_directory_default_document(void);

/* OK, ERR_INVALID with faults in report, or ERR_NOMEM. The report is initialised here and always to
 * be finished by the caller. *out is written only on OK. "bind_password": null is read as empty:
 * the caller puts the stored one in its place before. */
enum err settings_directory_parse(struct str document, struct report *report,
                                  struct settings_directory *out) MUST_CHECK;
void settings_directory_fini(struct settings_directory *s); /* wipes the bind password */

#endif
