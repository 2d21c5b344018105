/* ldap_test: the same pieces a login is made of, with the time and the outcome of each. */
#include "proxyd/identity/ldap_test.h"

#include "proxyd/identity/ldap_link.h"
#include "proxyd/identity/ldap_login.h"

#define TEXT_MAX 8192

struct test {
    struct ldap_login g;
    struct id_ldap_step *steps;
    size_t n;
    struct clock clock;
    int64_t began_ms;
};

static void begin(struct test *t)
{
    t->began_ms = clock_mono_ms(&t->clock);
}

static bool end(struct test *t, const char *step, enum err e, const struct buf *text)
{
    if (t->n == ID_LDAP_STEPS_MAX)
        return false;
    t->steps[t->n++] = (struct id_ldap_step){
        .step = step,
        .ok = e == OK,
        .ms = (uint32_t)(clock_mono_ms(&t->clock) - t->began_ms),
        .detail = arena_str(t->g.ask->arena, buf_str(text)),
    };
    return e == OK;
}

static bool end_plain(struct test *t, const char *step, enum err e, const char *detail)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    buf_add_z(&text, detail);
    bool is_good = end(t, step, e, &text);
    buf_fini(&text);
    return is_good;
}

static void add_tls(struct test *t, LDAP *ld)
{
    char *version = NULL, *cipher = NULL;
    begin(t);
    (void)ldap_get_option(ld, LDAP_OPT_X_TLS_VERSION, &version);
    (void)ldap_get_option(ld, LDAP_OPT_X_TLS_CIPHER, &cipher);
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (ldap_tls_inplace(ld))
        buf_addf(&text, "%s %s, certificate %s", version ? version : "TLS", cipher ? cipher : "",
                 t->g.s->is_verify_off ? "not verified" : "accepted");
    else
        buf_add_z(&text, "no TLS: passwords go in the clear");
    end(t, "tls", OK, &text);
    buf_fini(&text);
    ldap_memfree(version);
    ldap_memfree(cipher);
}

static bool test_connect(struct test *t, const char *url)
{
    struct buf text;
    const char *detail;
    LDAP *ld = NULL;
    buf_init(&text, TEXT_MAX);
    buf_add_z(&text, url);
    buf_add_z(&text, ": ");
    size_t at = text.n;
    begin(t);
    enum err e = ldap_link_open(t->g.s, url, &ld, &detail, &text);
    if (text.n > at)
        buf_add_z(&text, "; ");
    buf_add_z(&text, e == OK ? "connected" : detail);
    bool is_good = end(t, "connect", e, &text);
    buf_fini(&text);
    t->g.search = t->g.bind = ld;
    if (is_good)
        add_tls(t, ld);
    return is_good;
}

#define AD_CAPABILITY "1.2.840.113556.1.4.800"

/* Only Active Directory and its like know the in-chain rule; others find nothing and say nothing.
 */
static bool knows_in_chain(struct test *t)
{
    const char *attributes[] = {"supportedCapabilities", NULL};
    struct ldap_link_query q = {"", LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0};
    LDAPMessage *found = NULL;
    bool is_cut, is_known = false;
    if (ldap_link_search(t->g.search, t->g.s, &q, &found, &is_cut) != OK)
        return false;
    LDAPMessage *root = ldap_first_entry(t->g.search, found);
    struct berval **v = root ? ldap_get_values_len(t->g.search, root, attributes[0]) : NULL;
    for (int i = 0; v && v[i]; i++)
        is_known |= str_eq(str_make(v[i]->bv_val, v[i]->bv_len), STR(AD_CAPABILITY));
    ldap_value_free_len(v);
    ldap_msgfree(found);
    return is_known;
}

static void test_groups(struct test *t)
{
    begin(t);
    if (t->g.s->groups == LDAP_GROUPS_IN_CHAIN && !knows_in_chain(t)) {
        end_plain(t, "groups", ERR_UNSUPPORTED,
                  "this server does not know the in-chain rule; choose memberof or search");
        return;
    }
    enum err e = ldap_login_groups(&t->g);
    struct buf text;
    buf_init(&text, TEXT_MAX);
    const struct id_ldap_answer *answer = t->g.answer;
    if (e != OK)
        buf_add_z(&text, answer->detail);
    else
        buf_addf(&text, "%zu groups%s", answer->n_groups, answer->is_cut ? " (cut)" : "");
    for (size_t i = 0; e == OK && i < answer->n_groups && text.n < TEXT_MAX / 2; i++) {
        buf_add_z(&text, i ? ", " : ": ");
        buf_add(&text, answer->groups[i]);
    }
    end(t, "groups", e, &text);
    buf_fini(&text);
}

/* In direct mode the user's own bind comes first and then serves for the search. */
static bool test_user(struct test *t)
{
    const struct ldap_settings *s = t->g.s;
    bool has_password = t->g.ask->password.n > 0;
    begin(t);
    enum err e = s->mode == LDAP_BIND_DIRECT ? ldap_login_name(&t->g) : ldap_login_search(&t->g);
    const char *found = e == OK ? t->g.dn : t->g.answer->detail;
    if (!end_plain(t, s->mode == LDAP_BIND_DIRECT ? "name" : "search", e, found))
        return false;
    if (has_password) {
        begin(t);
        e = ldap_login_bind(&t->g);
        if (!end_plain(t, "user-bind", e, t->g.answer->detail))
            return false;
    }
    if (s->mode == LDAP_BIND_SEARCH)
        return true;
    begin(t);
    e = ldap_login_find(&t->g);
    return end_plain(t, "search", e, e == OK ? t->g.dn : t->g.answer->detail);
}

static bool test_server(struct test *t, const char *url)
{
    if (!test_connect(t, url))
        return false;
    LDAP *search = t->g.search, *bind = NULL;
    const char *detail;
    begin(t);
    enum err e = ldap_link_bind_service(search, t->g.s, &detail);
    bool is_good = end_plain(t, "service-bind", e, detail);
    if (is_good && (*t->g.s->bind_dn || t->g.s->mode == LDAP_BIND_SEARCH)) {
        e = ldap_link_open(t->g.s, url, &bind, &detail, NULL);
        is_good = e == OK || end_plain(t, "connect", e, detail);
        t->g.bind = bind;
    }
    if (is_good && t->g.ask->user.n && test_user(t) && (t->g.user.dn.n > 0))
        test_groups(t);
    ldap_link_close(search);
    ldap_link_close(bind);
    return is_good;
}

size_t ldap_test_run(const struct ldap_settings *s, const struct id_ldap_ask *ask,
                     struct id_ldap_step steps[ID_LDAP_STEPS_MAX])
{
    struct id_ldap_answer answer = {.detail = ""};
    struct test t = {.g = {.s = s, .ask = ask, .answer = &answer}, .steps = steps};
    clock_init_real(&t.clock);
    t.g.now_ms = clock_wall_ms(&t.clock);
    for (size_t i = 0; i < s->n_urls; i++)
        if (test_server(&t, s->urls[i]))
            break;
    return t.n;
}
