/* ldap_login: find, bind, groups. A name is somebody only when exactly one entry fits it. */
#include "proxyd/identity/ldap_login.h"

#include <string.h>

#include "proxyd/identity/ldap_link.h"
#include "proxyd/identity/ldap_text.h"

#define TEXT_MAX 8192

static struct str first_value(struct ldap_login *g, LDAPMessage *entry, const char *attribute)
{
    struct str value = str_make("", 0);
    struct berval **v = ldap_get_values_len(g->search, entry, attribute);
    if (v && v[0])
        value = arena_str(g->ask->arena, str_make(v[0]->bv_val, v[0]->bv_len));
    ldap_value_free_len(v);
    return value;
}

static bool take_values(struct ldap_login *g, LDAPMessage *entry, const char *attribute)
{
    struct berval **v = ldap_get_values_len(g->search, entry, attribute);
    size_t n = v ? (size_t)ldap_count_values_len(v) : 0;
    struct str *out = arena_alloc(g->ask->arena, (n + 1) * sizeof *out);
    bool is_good = out != NULL;
    for (size_t i = 0; i < n && is_good; i++) {
        out[i] = arena_str(g->ask->arena, str_make(v[i]->bv_val, v[i]->bv_len));
        is_good = out[i].p != NULL;
    }
    ldap_value_free_len(v);
    g->user.member_of = out;
    g->user.n_member_of = is_good ? n : 0;
    return is_good;
}

/* memberOf; Active Directory sends more than 1500 of them in parts: the first part is taken. */
static bool take_member_of(struct ldap_login *g, LDAPMessage *entry)
{
    static const char part[] = "memberOf;range=";
    BerElement *at = NULL;
    bool is_good = take_values(g, entry, "memberOf");
    for (char *name = ldap_first_attribute(g->search, entry, &at); name;
         name = ldap_next_attribute(g->search, entry, at)) {
        if (str_starts_nocase(str_of(name), str_of(part))) {
            is_good = is_good && take_values(g, entry, name);
            g->user.is_cut = true;
        }
        ldap_memfree(name);
    }
    ber_free(at, 0);
    return is_good;
}

static enum err refuse(struct ldap_login *g, enum ldap_refusal why)
{
    g->answer->detail = ldap_refusal_sentence(why);
    return ERR_DENIED;
}

static enum err take_entry(struct ldap_login *g, LDAPMessage *entry)
{
    char *dn = ldap_get_dn(g->search, entry);
    g->user.dn = arena_str(g->ask->arena, str_of(dn));
    ldap_memfree(dn);
    g->user.login = first_value(g, entry, g->s->login_attribute);
    struct ldap_account account = {
        .uac = first_value(g, entry, "userAccountControl"),
        .account_expires = first_value(g, entry, "accountExpires"),
        .shadow_expire = first_value(g, entry, "shadowExpire"),
        .locked_at = first_value(g, entry, "pwdAccountLockedTime"),
        .login_disabled = first_value(g, entry, "nsAccountLock"),
    };
    if (!g->user.dn.p || !take_member_of(g, entry))
        return ERR_NOMEM;
    g->dn = g->user.dn.p;
    if (g->user.login.n == 0)
        return refuse(g, LDAP_REFUSAL_NO_USER);
    enum ldap_refusal why = ldap_text_account(&account, g->now_ms);
    return why == LDAP_REFUSAL_NONE ? OK : refuse(g, why);
}

/* Exactly one entry, or it is nobody. */
static enum err run_query(struct ldap_login *g, const char *base, int scope, const char *filter)
{
    const char *attributes[] = {g->s->login_attribute, "memberOf",
                                "userAccountControl",  "accountExpires",
                                "shadowExpire",        "pwdAccountLockedTime",
                                "nsAccountLock",       NULL};
    struct ldap_link_query q = {base, scope, filter, attributes, 2};
    LDAPMessage *found = NULL;
    bool is_cut;
    enum err e = ldap_link_search(g->search, g->s, &q, &found, &is_cut);
    if (e == ERR_NOT_FOUND && scope == LDAP_SCOPE_BASE)
        return refuse(g, LDAP_REFUSAL_NO_USER);
    g->answer->detail = e == ERR_NOT_FOUND ? "the search base does not exist"
                        : e == OK          ? "ok"
                                           : "the search failed";
    if (e != OK)
        return e == ERR_NOT_FOUND ? ERR_INVALID : e;
    int n = ldap_count_entries(g->search, found);
    if (n == 1 && !is_cut)
        e = take_entry(g, ldap_first_entry(g->search, found));
    else
        e = refuse(g, n == 0 ? LDAP_REFUSAL_NO_USER : LDAP_REFUSAL_AMBIGUOUS);
    ldap_msgfree(found);
    return e;
}

/* (&USER_FILTER(login_attribute=login)) below the base. */
enum err ldap_login_search(struct ldap_login *g)
{
    struct buf f;
    buf_init(&f, TEXT_MAX);
    buf_add_z(&f, "(&");
    buf_add_z(&f, g->s->user_filter);
    buf_add_c(&f, '(');
    buf_add_z(&f, g->s->login_attribute);
    buf_add_c(&f, '=');
    ldap_text_filter_value(&f, g->ask->user);
    buf_add(&f, str_make("))", 3)); /* with its zero */
    enum err e = f.failed ? ERR_NOMEM : run_query(g, g->s->base_dn, LDAP_SCOPE_SUBTREE, f.p);
    buf_fini(&f);
    return e;
}

enum err ldap_login_bind(struct ldap_login *g)
{
    return ldap_link_bind(g->bind, g->s, g->dn, g->ask->password, &g->answer->detail);
}

enum err ldap_login_groups(struct ldap_login *g)
{
    g->answer->user = g->user.login;
    g->answer->groups = NULL;
    g->answer->n_groups = 0;
    g->answer->is_cut = false;
    enum err e = id_groups_of(g->search, g->s, &g->user, g->ask->arena, g->answer);
    if (e != OK)
        g->answer->detail = "the groups could not be read";
    return e == ERR_NOT_FOUND ? ERR_INVALID : e;
}

static bool template_is_dn(const struct ldap_settings *s)
{
    return strchr(s->dn_template, '=') != NULL;
}

enum err ldap_login_name(struct ldap_login *g)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    enum err e = ldap_text_expand(&b, str_of(g->s->dn_template), g->ask->user,
                                  template_is_dn(g->s) ? LDAP_TEXT_DN : LDAP_TEXT_PLAIN);
    if (e == OK) {
        g->dn = arena_str(g->ask->arena, buf_str(&b)).p;
        e = g->dn ? OK : ERR_NOMEM;
    }
    buf_fini(&b);
    g->answer->detail = e == OK ? "ok" : "the name does not fit into the template";
    return e;
}

/* Bound as the user (or as the service account): who is it? Without a base nobody can say more. */
enum err ldap_login_find(struct ldap_login *g)
{
    if (template_is_dn(g->s)) {
        bool has_filter = *g->s->user_filter != '\0';
        return run_query(g, g->dn, LDAP_SCOPE_BASE,
                         has_filter ? g->s->user_filter : "(objectClass=*)");
    }
    if (*g->s->base_dn)
        return ldap_login_search(g);
    g->user.login = arena_str(g->ask->arena, g->ask->user);
    return g->user.login.p ? OK : ERR_NOMEM;
}

enum err ldap_login_run(struct ldap_login *g)
{
    enum err e;
    if (g->s->mode == LDAP_BIND_SEARCH) {
        e = ldap_login_search(g);
        if (e == OK)
            e = ldap_login_bind(g);
    } else {
        e = ldap_login_name(g);
        if (e == OK)
            e = ldap_login_bind(g);
        if (e == OK)
            e = ldap_login_find(g);
    }
    if (e == OK && (g->user.dn.n || g->s->groups == LDAP_GROUPS_NONE))
        e = ldap_login_groups(g);
    else if (e == OK)
        g->answer->user = g->user.login;
    return e;
}
