/* e2g: a table of the lists says what each one means; a group's lists are read in the order of that
 * table, which is the order in which e2guardian lets them decide. */
#include "convert/e2g.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "convert/e2g_list.h"
#include "convert/nets.h"
#include "convert/patterns.h"

#define GROUPS_MAX         100
#define GROUP_INCLUDES_MAX 500

enum means { MEANS_SITES, MEANS_URLS, MEANS_REGEX, MEANS_EXTENSIONS, MEANS_TYPES, MEANS_NOTHING };

/* old: key of its own (bannedsitelist = '...'); new: key and name= of e2guardian 5.3 and later. */
static const struct kind {
    const char *old, *key, *name;
    enum means means;
    const char *action; /* "allow" or "block" */
    const char *about;  /* of MEANS_NOTHING, and of what differs */
} kinds[] = {
    {"exceptionsitelist", "sitelist", "exception", MEANS_SITES, "allow", NULL},
    {"exceptioniplist", "ipsitelist", "exception", MEANS_SITES, "allow", NULL},
    {"exceptionurllist", "urllist", "exception", MEANS_URLS, "allow", NULL},
    {"exceptionregexpurllist", "regexpurllist", "exception", MEANS_REGEX, "allow", NULL},
    {"exceptionextensionlist", "fileextlist", "exception", MEANS_EXTENSIONS, "allow", NULL},
    {"exceptionmimetypelist", "mimelist", "exception", MEANS_TYPES, "allow", NULL},
    {"exceptionfilesitelist", "sitelist", "exceptionfile", MEANS_SITES, "allow",
     "Files from there are allowed; here the whole site is."},
    {"greysitelist", "sitelist", "grey", MEANS_SITES, "allow",
     "Grey sites were allowed but scanned; there is no scanning of contents here."},
    {"greyurllist", "urllist", "grey", MEANS_URLS, "allow",
     "Grey URLs were allowed but scanned; there is no scanning of contents here."},
    {"bannedsitelist", "sitelist", "banned", MEANS_SITES, "block", NULL},
    {"bannedurllist", "urllist", "banned", MEANS_URLS, "block", NULL},
    {"bannedregexpurllist", "regexpurllist", "banned", MEANS_REGEX, "block", NULL},
    {"bannedextensionlist", "fileextlist", "banned", MEANS_EXTENSIONS, "block", NULL},
    {"bannedmimetypelist", "mimelist", "banned", MEANS_TYPES, "block", NULL},
    {"bannedphraselist", "", "", MEANS_NOTHING, NULL, "Words in pages are not looked at here."},
    {"weightedphraselist", "", "", MEANS_NOTHING, NULL,
     "Words in pages are not weighed here; use categories."},
    {"exceptionphraselist", "", "", MEANS_NOTHING, NULL, "Words in pages are not looked at here."},
    {"contentregexplist", "", "", MEANS_NOTHING, NULL, "Pages are not rewritten."},
    {"urlregexplist", "", "", MEANS_NOTHING, NULL,
     "URLs are not rewritten; for search engines use `safe_search`."},
    {"headerregexplist", "", "", MEANS_NOTHING, NULL, "Use `set_headers` on a rule."},
    {"picsfile", "", "", MEANS_NOTHING, NULL, "PICS labels are not read."},
    {"logsitelist", "sitelist", "log", MEANS_NOTHING, NULL, "Every request has a record."},
    {"logurllist", "urllist", "log", MEANS_NOTHING, NULL, "Every request has a record."},
    {"logregexpurllist", "regexpurllist", "log", MEANS_NOTHING, NULL,
     "Every request has a record."},
};

#define N_KINDS (sizeof kinds / sizeof *kinds)

struct group {
    unsigned number;
    struct str name;
    struct str paths[N_KINDS];
    struct outcome_row rows[N_KINDS]; /* where each path stands */
    unsigned mode;                    /* 0 banned, 1 filtered, 2 unfiltered */
    json_t *users, *networks;
};

struct making {
    const struct upload *u;
    struct outcome *o;
    struct group groups[GROUPS_MAX];
    size_t n_groups;
    unsigned n_included; /* by configuration files of groups */
};

/* --- configuration files -----------------------------------------------------------------------
 */

bool e2g_is_file(struct str name)
{
    struct str base = upload_base(name);
    if (str_starts(base, STR("e2guardian")) && str_ends(base, STR(".conf")))
        return true;
    for (size_t i = 0; i < N_KINDS; i++) {
        if (str_eq(base, str_of(kinds[i].old)))
            return true;
    }
    return false;
}

static struct str unquote(struct str s)
{
    s = str_trim(s);
    if (s.n >= 2 && (s.p[0] == '\'' || s.p[0] == '"') && s.p[s.n - 1] == s.p[0])
        s = str_sub(s, 1, s.n - 1);
    return s;
}

/* "key = 'value'" */
static bool key_value(struct str line, struct str *key, struct str *value)
{
    line = str_trim(line);
    size_t equals = str_find(line, '=');
    if (!line.n || line.p[0] == '#' || equals == STR_NPOS)
        return false;
    *key = str_trim(str_sub(line, 0, equals));
    *value = unquote(str_sub(line, equals + 1, line.n));
    return true;
}

/* name= and path= of "name=banned,messageno=500,path=__LISTDIR__/bannedsitelist" */
static struct str part_of(struct str value, struct str name)
{
    struct str part;
    while (str_split(&value, ',', &part)) {
        if (str_starts(part, name))
            return str_sub(part, name.n, part.n);
    }
    return (struct str){0};
}

static void group_line(struct making *m, struct group *g, struct outcome_row *row)
{
    struct str key, value;
    if (!key_value(row->text, &key, &value))
        return;
    if (str_eq(key, STR("groupname")))
        g->name = value;
    if (str_eq(key, STR("groupmode")))
        g->mode = str_eq(value, STR("0")) ? 0 : str_eq(value, STR("2")) ? 2 : 1;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct str path = value;
        if (!str_eq(key, str_of(kinds[i].old))) {
            path = part_of(value, STR("path="));
            if (!*kinds[i].key || !str_eq(key, str_of(kinds[i].key)) ||
                !str_eq(part_of(value, STR("name=")), str_of(kinds[i].name)))
                continue;
        }
        if (kinds[i].means == MEANS_NOTHING) {
            row->kind = OUTCOME_DROPPED;
            outcome_report(m->o, row, "%s", kinds[i].about);
        } else {
            g->paths[i] = path;
            g->rows[i] = *row;
        }
        return;
    }
    row->kind = OUTCOME_NOT_NEEDED;
    outcome_report(m->o, row, "A setting of e2guardian that has no counterpart in a policy.");
}

static struct group *group_of(struct making *m, unsigned number)
{
    for (size_t i = 0; i < m->n_groups; i++) {
        if (m->groups[i].number == number)
            return &m->groups[i];
    }
    if (m->n_groups == GROUPS_MAX)
        return NULL;
    struct group *g = &m->groups[m->n_groups++];
    *g = (struct group){
        .number = number, .mode = 1, .users = json_array(), .networks = json_array()};
    return g;
}

/* ".Include<path>" stands for the lines of that file. */
static void read_group_file(struct making *m, struct group *g, const struct upload_file *f,
                            unsigned depth)
{
    struct upload_cursor at = {f->bytes, 0};
    struct outcome_row row = {.file = f->name};
    while (upload_line(&at, &row.text)) {
        row.line = at.line;
        struct str path = e2g_list_included(row.text);
        if (!path.n) {
            group_line(m, g, &row);
            continue;
        }
        const struct upload_file *more = upload_find(m->u, path);
        bool is_read = more && depth < E2G_INCLUDES_MAX && m->n_included++ < GROUP_INCLUDES_MAX;
        if (is_read)
            read_group_file(m, g, more, depth + 1);
        row.kind = is_read ? OUTCOME_TRANSLATED : OUTCOME_DROPPED;
        outcome_report(m->o, &row, "%s",
                       is_read ? ""
                       : more  ? "Too many files include one another."
                               : "The file is not in the upload: add it and try again.");
    }
}

static void read_group_files(struct making *m)
{
    for (size_t i = 0; i < m->u->n; i++) {
        const struct upload_file *f = &m->u->v[i];
        struct str base = upload_base(f->name);
        uint64_t number;
        if (!str_starts(base, STR("e2guardianf")) || !str_ends(base, STR(".conf")) ||
            str_to_u64(str_sub(base, 11, base.n - 5), 9999, &number) != OK)
            continue;
        struct group *g = group_of(m, (unsigned)number);
        if (g)
            read_group_file(m, g, f, 1);
    }
}

/* Lists alone: one group, each list by its own name. */
static void take_lone_lists(struct making *m)
{
    struct group *g = group_of(m, 1);
    for (size_t i = 0; g && i < N_KINDS; i++) {
        const struct upload_file *f = upload_find(m->u, str_of(kinds[i].old));
        if (!f)
            continue;
        g->rows[i] = (struct outcome_row){.file = f->name, .line = 1, .text = str_of(kinds[i].old)};
        if (kinds[i].means != MEANS_NOTHING) {
            g->paths[i] = f->name;
            continue;
        }
        g->rows[i].kind = OUTCOME_DROPPED;
        outcome_report(m->o, &g->rows[i], "%s", kinds[i].about);
    }
}

/* "alice=filter2" and "10.0.0.0/255.255.255.0 = filter3" */
static void read_members(struct making *m, struct str file, bool is_nets)
{
    const struct upload_file *f = upload_find(m->u, file);
    struct upload_cursor at = {f ? f->bytes : (struct str){0}, 0};
    struct outcome_row row = {.file = f ? f->name : file};
    while (upload_line(&at, &row.text)) {
        struct str who, group;
        uint64_t number;
        row.line = at.line;
        if (!key_value(row.text, &who, &group))
            continue;
        row.kind = OUTCOME_DROPPED;
        if (!str_starts(group, STR("filter")) ||
            str_to_u64(str_sub(group, 6, group.n), 9999, &number) != OK) {
            outcome_report(m->o, &row, "It names no filter group.");
            continue;
        }
        struct group *g = group_of(m, (unsigned)number);
        bool is_good = g != NULL;
        if (g && is_nets)
            is_good = nets_add(who, g->networks) == OK;
        else if (g)
            json_array_append_new(g->users, outcome_text(who));
        row.kind = is_good ? OUTCOME_TRANSLATED : OUTCOME_DROPPED;
        outcome_report(m->o, &row, "%s", is_good ? "" : "Not an address or network.");
    }
}

/* --- rules -------------------------------------------------------------------------------------
 */

static json_t *group_rule(struct making *m, const struct group *g, const char *what,
                          const char *action)
{
    struct buf b;
    buf_init(&b, 300);
    buf_addf(&b, "%.*s: %s", STR_ARG(g->name), what);
    json_t *rule = outcome_rule(m->o, buf_str(&b), action);
    buf_fini(&b);
    if (!rule || g->number == 1) /* the first group is everybody that no other names */
        return rule;
    if (json_array_size(g->users))
        outcome_condition(rule, "when", "users", g->users);
    else if (json_array_size(g->networks))
        outcome_condition(rule, "when", "networks", g->networks);
    else
        outcome_rule_off(rule, "Not switched on: nobody is named to be in this group.");
    return rule;
}

/* A group known by users and by networks takes two rules, for either is enough. */
static json_t *second_rule(struct making *m, const struct group *g, const char *what,
                           const char *action)
{
    if (g->number == 1 || !json_array_size(g->users) || !json_array_size(g->networks))
        return NULL;
    struct group other = *g;
    json_t *none = json_array();
    other.users = none;
    json_t *rule = group_rule(m, &other, what, action);
    json_decref(none);
    return rule;
}

static json_t *values_of(const struct e2g_list *l, enum means means, unsigned *n_left)
{
    json_t *out = json_array();
    size_t i;
    const json_t *v;
    json_array_foreach(l->entries, i, v)
    {
        struct str s = str_make(json_string_value(v), json_string_length(v));
        struct host h;
        const char *why;
        bool is_good = true;
        if (means == MEANS_REGEX)
            is_good = patterns_add(s, PATTERNS_URL, out, &why) == OK;
        else if (means == MEANS_SITES && host_normalise(s, &h) == OK)
            json_array_append_new(out, outcome_text(host_str(&h)));
        else if (means == MEANS_SITES)
            is_good = false;
        else
            json_array_append_new(out, outcome_text(s));
        *n_left += !is_good;
    }
    return out;
}

static struct str category_of(struct making *m, const struct e2g_list *l, json_t *values)
{
    struct outcome_category *c = outcome_category(m->o, l->name);
    size_t i;
    const json_t *v;
    if (!c)
        return (struct str){0};
    json_array_foreach(values, i, v)
        outcome_category_add(c, str_make(json_string_value(v), json_string_length(v)), false);
    return c->name;
}

/* Gives the values a name where there are many of them; *key is where they go. */
static json_t *named(struct making *m, const struct e2g_list *l, enum means means, json_t *take)
{
    size_t n = json_array_size(take);
    if (means == MEANS_URLS || (means == MEANS_SITES && n > OUTCOME_LIST_MAX)) {
        struct str name = category_of(m, l, take);
        json_decref(take);
        return json_pack("{s:[s#]}", "categories", name.p ? name.p : "", (int)name.n);
    }
    if (n > OUTCOME_INLINE_MAX && (means == MEANS_SITES || means == MEANS_REGEX)) {
        const char *name =
            outcome_list(m->o, l->name, means == MEANS_SITES ? "domains" : "url_patterns", take);
        return json_pack("{s:[s]}", "lists", name ? name : "");
    }
    static const char *const keys[] = {[MEANS_SITES] = "hosts",
                                       [MEANS_REGEX] = "url_patterns",
                                       [MEANS_EXTENSIONS] = "extensions",
                                       [MEANS_TYPES] = "content_types"};
    return json_pack("{s:o}", keys[means], take);
}

static void fill(struct making *m, json_t *rule, const json_t *condition, const char *schedule)
{
    const char *key;
    json_t *values;
    (void)m;
    if (!rule)
        return;
    json_object_foreach((json_t *)(uintptr_t)condition, key, values)
        outcome_condition(rule, "when", key, values);
    if (schedule) {
        json_t *one = json_pack("[s]", schedule);
        outcome_condition(rule, "when", "schedules", one);
        json_decref(one);
    }
}

static const char *rules_of_list(struct making *m, struct group *g, size_t kind,
                                 const struct e2g_list *l, unsigned *n_left)
{
    const struct kind *k = &kinds[kind];
    const char *schedule = json_array_size(l->windows)
                               ? outcome_schedule(m->o, l->name, json_incref(l->windows))
                               : NULL;
    json_t *values = values_of(l, k->means, n_left);
    if (!json_array_size(values)) {
        json_decref(values);
        return NULL;
    }
    json_t *condition = named(m, l, k->means, values);
    json_t *rule = group_rule(m, g, k->old, k->action);
    fill(m, rule, condition, schedule);
    fill(m, second_rule(m, g, k->old, k->action), condition, schedule);
    json_decref(condition);
    return outcome_rule_id(rule);
}

/* "**" and "*ip" of a list of banned sites. */
static void blanket(struct making *m, struct group *g, const struct e2g_list *l)
{
    json_t *addresses = json_pack("{s:[s]}", "url_patterns",
                                  "^[a-z]+://(\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9a-f:.]+\\])[:/]");
    json_t *https = json_pack("{s:[s]}", "methods", "CONNECT");
    if (l->has_addresses)
        fill(m, group_rule(m, g, "hosts given by address", "block"), addresses, NULL);
    if (l->has_https)
        fill(m, group_rule(m, g, "HTTPS", "block"), https, NULL);
    if (l->has_all)
        group_rule(m, g, "everything else", "block");
    json_decref(addresses);
    json_decref(https);
}

static void one_list(struct making *m, struct group *g, size_t kind, struct e2g_list *after)
{
    struct e2g_list l;
    unsigned n_left = 0;
    struct outcome_row *row = &g->rows[kind];
    enum err e = e2g_list_read(m->u, g->paths[kind], m->o, &l);
    if (e != OK) {
        row->kind = OUTCOME_DROPPED;
        outcome_report(m->o, row, "The list is not in the upload: add it and try again.");
        return;
    }
    row->rule = rules_of_list(m, g, kind, &l, &n_left);
    row->kind = n_left || kinds[kind].about ? OUTCOME_PARTLY
                : row->rule                 ? OUTCOME_TRANSLATED
                                            : OUTCOME_NOT_NEEDED;
    if (n_left)
        outcome_report(m->o, row, "%u of %zu entries are not understood.", n_left,
                       json_array_size(l.entries));
    else
        outcome_report(m->o, row, "%s",
                       kinds[kind].about ? kinds[kind].about
                       : row->rule       ? ""
                                         : "The list is empty.");
    after->has_all |= l.has_all;
    after->has_addresses |= l.has_addresses;
    after->has_https |= l.has_https;
    e2g_list_fini(&l);
}

static void one_group(struct making *m, struct group *g)
{
    struct e2g_list after = {0};
    if (!g->name.n) {
        char text[32];
        snprintf(text, sizeof text, "group %u", g->number);
        g->name = arena_str(&m->o->arena, str_of(text));
    }
    if (g->mode != 1) {
        group_rule(m, g, g->mode == 0 ? "nothing at all" : "everything",
                   g->mode == 0 ? "block" : "allow");
        return;
    }
    for (size_t i = 0; i < N_KINDS; i++) {
        if (g->paths[i].n)
            one_list(m, g, i, &after);
    }
    blanket(m, g, &after);
    if (g->number != 1) /* what no list of the group names is allowed */
        group_rule(m, g, "everything else", "allow");
}

enum err e2g_convert(const struct upload *u, struct outcome *o)
{
    struct making *m = arena_alloc(&o->arena, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->u = u;
    m->o = o;
    read_group_files(m);
    if (!m->n_groups)
        take_lone_lists(m);
    read_members(m, STR("filtergroupslist"), false);
    read_members(m, STR("ipgroups"), true);
    json_object_set_new(o->document, "default", json_pack("{s:s}", "action", "allow"));
    for (size_t i = 0; i < m->n_groups; i++) {
        if (m->groups[i].number != 1)
            one_group(m, &m->groups[i]);
    }
    for (size_t i = 0; i < m->n_groups; i++) {
        if (m->groups[i].number == 1)
            one_group(m, &m->groups[i]);
        json_decref(m->groups[i].users);
        json_decref(m->groups[i].networks);
    }
    return o->failed ? ERR_NOMEM : OK;
}
