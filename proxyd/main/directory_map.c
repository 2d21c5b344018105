/* directory_map: field by field. */
#include "proxyd/main/directory_map.h"

static enum ldap_group_source groups_from(enum directory_groups from)
{
    switch (from) {
    case DIRECTORY_GROUPS_MEMBEROF: return LDAP_GROUPS_MEMBEROF;
    case DIRECTORY_GROUPS_SEARCH: return LDAP_GROUPS_SEARCH;
    case DIRECTORY_GROUPS_IN_CHAIN: return LDAP_GROUPS_IN_CHAIN;
    case DIRECTORY_GROUPS_NONE: return LDAP_GROUPS_NONE;
    }
    return LDAP_GROUPS_NONE;
}

void directory_map(const struct settings_directory *in, struct ldap_settings *out)
{
    *out = (struct ldap_settings){
        .n_urls = in->n_servers,
        .start_tls = in->has_starttls,
        .may_be_cleartext = in->may_be_cleartext,
        .is_verify_off = !in->is_verified,
        .ca_file = in->ca_file.p,
        .mode = in->is_direct ? LDAP_BIND_DIRECT : LDAP_BIND_SEARCH,
        .bind_dn = in->bind_dn.p,
        .bind_password = in->bind_password.p,
        .base_dn = in->base.p,
        .login_attribute = in->login_attribute.p,
        .user_filter = in->user_filter.p,
        .dn_template = in->direct_dn.p,
        .groups = groups_from(in->groups),
        .is_nested = in->is_nested,
        .group_base = in->group_base.p,
        .group_filter = in->group_filter.p,
        .member_attribute = in->member_attribute.p,
        .member_is_login = str_eq_nocase(in->member_attribute, STR("memberUid")),
        .group_name_attribute = in->group_name_attribute.p,
        .connect_ms = in->connect_ms,
        .operation_ms = in->operation_ms,
    };
    _Static_assert(SETTINGS_DIRECTORY_SERVERS <= LDAP_SERVERS_MAX, "every server has a place");
    for (size_t i = 0; i < in->n_servers; i++)
        out->urls[i] = in->servers[i].p;
}
