/* id_groups: a walk over DNs. `seen` maps every DN met, in a normal form, to itself; the frontier
 * is what was found in the last round and not yet asked about. A group found for one child alone
 * was reached by it; of several children a few comparisons say which. */
#include "proxyd/identity/id_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "proxyd/identity/ldap_link.h"
#include "proxyd/identity/ldap_text.h"

#define BATCH       25 /* members in one filter */
#define FILTER_MAX  ((size_t)64 * 1024)
#define RESULTS_MAX 1000
#define DN_MAX      8192
#define COMPARE_MAX                                                                                \
    64                  /* in one walk: for people's explanations, never at the price of the login \
                         */
#define PATH_BYTES 1024 /* of one path; a longer one is cut */

struct walk {
    LDAP *ld;
    const struct ldap_settings *s;
    struct arena *a;
    struct map seen;
    struct str dns[ID_LDAP_GROUPS_MAX]; /* in the order they were found */
    struct str names[ID_LDAP_GROUPS_MAX];
    size_t via[ID_LDAP_GROUPS_MAX]; /* index of the group it was reached by; DIRECT, UNKNOWN */
    size_t n;
    unsigned n_compared;
    bool is_cut;
};

#define DIRECT  ((size_t)-1)
#define UNKNOWN ((size_t)-2)

static enum err keep_group(struct walk *w, struct str key, struct str dn, struct str name)
{
    w->dns[w->n] = arena_str(w->a, dn);
    w->names[w->n] = arena_str(w->a, name);
    if (!w->dns[w->n].p || !w->names[w->n].p || map_put(&w->seen, key, &w->dns[w->n], NULL) != OK)
        return ERR_NOMEM;
    w->via[w->n++] = DIRECT;
    return OK;
}

/* Takes the group in unless it is known. name empty: the first part of its DN. What is no DN has no
 * name and nothing to walk from: passed over. */
static enum err add_group(struct walk *w, struct str dn, struct str name)
{
    struct buf key, rdn;
    buf_init(&key, DN_MAX);
    buf_init(&rdn, DN_MAX);
    enum err e = ldap_text_dn_key(dn, &key);
    if (e == OK && name.n == 0) {
        e = ldap_text_first_value(dn, &rdn);
        name = buf_str(&rdn);
    }
    if (e == OK && map_get(&w->seen, buf_str(&key)) == NULL)
        e = w->n < ID_LDAP_GROUPS_MAX ? keep_group(w, buf_str(&key), dn, name) : ERR_FULL;
    buf_fini(&key);
    buf_fini(&rdn);
    if (e == ERR_FULL)
        w->is_cut = true;
    return e == ERR_NOMEM ? e : OK;
}

/* --- one search ------------------------------------------------------------------------------ */

static enum err take_entry(struct walk *w, LDAPMessage *entry)
{
    char *dn = ldap_get_dn(w->ld, entry);
    if (!dn)
        return OK;
    struct berval **values = ldap_get_values_len(w->ld, entry, w->s->group_name_attribute);
    struct str name =
        values && values[0] ? str_make(values[0]->bv_val, values[0]->bv_len) : str_make("", 0);
    enum err e = add_group(w, str_of(dn), name);
    ldap_value_free_len(values);
    ldap_memfree(dn);
    return e;
}

static enum err search(struct walk *w, const struct buf *filter)
{
    const char *attributes[] = {w->s->group_name_attribute, NULL};
    bool has_base = w->s->group_base && *w->s->group_base;
    struct ldap_link_query q = {
        .base = has_base ? w->s->group_base : w->s->base_dn,
        .scope = LDAP_SCOPE_SUBTREE,
        .filter = filter->p,
        .attributes = attributes,
        .size_limit = RESULTS_MAX,
    };
    LDAPMessage *found = NULL;
    bool is_cut;
    enum err e = ldap_link_search(w->ld, w->s, &q, &found, &is_cut);
    if (e != OK)
        return e;
    w->is_cut |= is_cut;
    for (LDAPMessage *m = ldap_first_entry(w->ld, found); m && e == OK;
         m = ldap_next_entry(w->ld, m))
        e = take_entry(w, m);
    ldap_msgfree(found);
    return e;
}

static void add_member(struct buf *f, const struct ldap_settings *s, const char *rule,
                       struct str who)
{
    buf_add_c(f, '(');
    buf_add_z(f, s->member_attribute);
    buf_add_z(f, rule);
    buf_add_c(f, '=');
    ldap_text_filter_value(f, who);
    buf_add_c(f, ')');
}

/* (&GROUP_FILTER(|(member=a)(member=b)...)) */
static enum err search_members(struct walk *w, const struct str *who, size_t n, const char *rule)
{
    struct buf f;
    buf_init(&f, FILTER_MAX);
    buf_add_z(&f, "(&");
    buf_add_z(&f, w->s->group_filter ? w->s->group_filter : "");
    buf_add_z(&f, "(|");
    for (size_t i = 0; i < n; i++)
        add_member(&f, w->s, rule, who[i]);
    buf_add_z(&f, "))");
    buf_add_c(&f, '\0');
    enum err e = f.failed ? ERR_LIMIT : search(w, &f);
    buf_fini(&f);
    return e;
}

/* --- the walk -------------------------------------------------------------------------------- */

/* What is right at the user. */
static enum err first_groups(struct walk *w, const struct id_groups_user *u)
{
    enum err e = OK;
    switch (w->s->groups) {
    case LDAP_GROUPS_NONE: break;
    case LDAP_GROUPS_MEMBEROF:
        for (size_t i = 0; i < u->n_member_of && e == OK; i++)
            e = add_group(w, u->member_of[i], str_make("", 0));
        break;
    case LDAP_GROUPS_SEARCH:
        e = search_members(w, w->s->member_is_login ? &u->login : &u->dn, 1, "");
        break;
    case LDAP_GROUPS_IN_CHAIN: e = search_members(w, &u->dn, 1, ":1.2.840.113556.1.4.1941:"); break;
    }
    return e;
}

/* Is the child a member of the parent? */
static bool holds(struct walk *w, struct str parent, struct str child)
{
    struct berval value = {child.n, (char *)(uintptr_t)child.p};
    w->n_compared++;
    return ldap_compare_ext_s(w->ld, parent.p, w->s->member_attribute, &value, NULL, NULL) ==
           LDAP_COMPARE_TRUE;
}

/* By which of the children [from, to) the groups found since `first` were reached. */
static void find_ways(struct walk *w, size_t first, size_t from, size_t to)
{
    for (size_t i = first; i < w->n; i++) {
        w->via[i] = to - from == 1 ? from : UNKNOWN;
        for (size_t k = from; k < to && w->via[i] == UNKNOWN && w->n_compared < COMPARE_MAX; k++) {
            if (holds(w, w->dns[i], w->dns[k]))
                w->via[i] = k;
        }
    }
}

/* Groups that hold groups found in the round before. */
static enum err parents(struct walk *w)
{
    size_t done = 0;
    enum err e = OK;
    for (int depth = 0; done < w->n && e == OK; depth++) {
        if (depth == ID_LDAP_DEPTH_MAX) {
            w->is_cut = true;
            break;
        }
        size_t end = w->n;
        while (done < end && e == OK) {
            size_t n = end - done < BATCH ? end - done : BATCH, first = w->n;
            e = search_members(w, &w->dns[done], n, "");
            find_ways(w, first, done, done + n);
            done += n;
        }
    }
    return e;
}

/* "all-staff<eng<alice-team": from the group down to the one the person is in. */
static struct str path_of(const struct walk *w, size_t i)
{
    struct buf b;
    buf_init(&b, PATH_BYTES);
    for (size_t steps = 0; steps <= w->n; steps++) {
        buf_add(&b, w->names[i]);
        if (w->via[i] == DIRECT)
            break;
        buf_add_c(&b, '<');
        if (w->via[i] == UNKNOWN) {
            buf_add_c(&b, '?');
            break;
        }
        i = w->via[i];
    }
    struct str path = arena_str(w->a, buf_str(&b));
    buf_fini(&b);
    return path;
}

struct named {
    struct str name;
    size_t at; /* in the walk */
};

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static enum err give(struct walk *w, struct id_ldap_answer *answer)
{
    struct named *all = arena_alloc(w->a, (w->n + 1) * sizeof *all);
    struct str *names = arena_alloc(w->a, (w->n + 1) * sizeof *names);
    struct str *paths = arena_alloc(w->a, (w->n + 1) * sizeof *paths);
    if (!all || !names || !paths)
        return ERR_NOMEM;
    for (size_t i = 0; i < w->n; i++)
        all[i] = (struct named){w->names[i], i};
    if (w->n)
        qsort(all, w->n, sizeof *all, by_name);
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (!all[i].name.n || (n > 0 && str_eq(names[n - 1], all[i].name)))
            continue;
        names[n] = all[i].name;
        paths[n] = path_of(w, all[i].at);
        if (!paths[n++].p)
            return ERR_NOMEM;
    }
    answer->groups = names;
    answer->group_paths = paths;
    answer->n_groups = n;
    answer->is_cut = w->is_cut;
    return OK;
}

enum err id_groups_of(LDAP *ld, const struct ldap_settings *s, const struct id_groups_user *u,
                      struct arena *a, struct id_ldap_answer *answer)
{
    struct walk *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    w->ld = ld;
    w->s = s;
    w->a = a;
    w->is_cut = u->is_cut;
    map_init(&w->seen);
    enum err e = first_groups(w, u);
    for (size_t i = 0; s->groups == LDAP_GROUPS_IN_CHAIN && i < w->n; i++)
        w->via[i] = UNKNOWN; /* the server walked, and does not tell how */
    bool may_nest = s->groups == LDAP_GROUPS_MEMBEROF || s->groups == LDAP_GROUPS_SEARCH;
    if (e == OK && s->is_nested && may_nest && !s->member_is_login)
        e = parents(w);
    if (e == OK)
        e = give(w, answer);
    map_fini(&w->seen);
    free(w);
    return e;
}
