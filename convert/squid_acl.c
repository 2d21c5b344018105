/* squid_acl: one row of a table for each type of ACL, with the function that reads one value. */
#include "convert/squid_acl.h"

#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "convert/nets.h"
#include "convert/patterns.h"

#define ACLS_MAX 5000

struct value { /* one being read */
    struct str text;
    json_t *out;
    const char *why; /* set: this value is left out */
    bool is_wider;   /* means a little more here than there */
    struct outcome *o;
};

typedef void read_value(struct value *v);

static void put(struct value *v, struct str s)
{
    if (json_array_append_new(v->out, outcome_text(s)) != 0)
        v->o->failed = true;
}

static void read_text(struct value *v)
{
    put(v, v->text);
}

static void read_network(struct value *v)
{
    if (str_eq_nocase(v->text, STR("all")))
        v->text = STR("0.0.0.0/0");
    if (nets_add(v->text, v->out) != OK)
        v->why = "is not an address (names are not looked up)";
}

static void read_domain(struct value *v)
{
    struct host h;
    bool is_suffix = str_starts(v->text, STR("."));
    if (host_normalise(is_suffix ? str_sub(v->text, 1, v->text.n) : v->text, &h) != OK) {
        v->why = "is not a host name";
        return;
    }
    v->is_wider = !is_suffix && !h.is_ip;
    put(v, host_str(&h));
}

static void read_host_regex(struct value *v)
{
    if (patterns_add(v->text, PATTERNS_HOST, v->out, &v->why) == OK)
        v->why = NULL;
}

static void read_url_regex(struct value *v)
{
    if (patterns_add(v->text, PATTERNS_URL, v->out, &v->why) == OK)
        v->why = NULL;
}

static void read_path_regex(struct value *v)
{
    if (patterns_add(v->text, PATTERNS_PATH, v->out, &v->why) == OK)
        v->why = NULL;
}

static void read_port(struct value *v)
{
    uint64_t a, b;
    size_t dash = str_find(v->text, '-');
    struct str first = str_sub(v->text, 0, dash), last = str_sub(v->text, dash + 1, v->text.n);
    if (dash == STR_NPOS)
        first = last = v->text;
    if (str_to_u64(first, 65535, &a) != OK || str_to_u64(last, 65535, &b) != OK || !a || b < a)
        v->why = "is not a port";
    else
        put(v, v->text);
}

static void read_proto(struct value *v)
{
    char low[16] = "";
    for (size_t i = 0; i < v->text.n && i < sizeof low - 1; i++)
        low[i] = str_lower(v->text.p[i]);
    if (strcmp(low, "http") == 0 || strcmp(low, "https") == 0)
        put(v, str_of(low));
    else
        v->why = "is a protocol that is not proxied here";
}

static void read_user(struct value *v)
{
    put(v, str_eq(v->text, STR("REQUIRED")) ? STR("*") : v->text);
}

/* "application/x-shockwave-flash", "^video/": our content_types are plain names. */
static void read_mime(struct value *v)
{
    struct str s = v->text;
    if (str_starts(s, STR("^")))
        s = str_sub(s, 1, s.n);
    if (str_ends(s, STR("$")))
        s = str_sub(s, 0, s.n - 1);
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("*()[]|\\?^$", s.p[i])) {
            v->why = "is an expression; content types are plain names here";
            return;
        }
    }
    char any[200];
    if (str_ends(s, STR("/")) && s.n < sizeof any - 1) {
        memcpy(any, s.p, s.n);
        any[s.n] = '*';
        s = str_make(any, s.n + 1);
    }
    put(v, s);
}

/* --- time: "MTWHF 9:00-17:00" -------------------------------------------------------------------
 */

static void add_days(struct str letters, json_t *days)
{
    static const char week[] = "SMTWHFA";
    static const char *const names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    for (size_t i = 0; i < letters.n; i++) {
        const char *at = strchr(week, letters.p[i]);
        if (letters.p[i] == 'D') {
            for (int d = 1; d <= 5; d++)
                json_array_append_new(days, json_string(names[d]));
        } else if (at && *at) {
            json_array_append_new(days, json_string(names[at - week]));
        }
    }
}

static bool time_of_day(struct str s, char out[6])
{
    uint64_t h, m;
    size_t colon = str_find(s, ':');
    if (colon == STR_NPOS || str_to_u64(str_sub(s, 0, colon), 24, &h) != OK ||
        str_to_u64(str_sub(s, colon + 1, s.n), 59, &m) != OK || (h == 24 && m))
        return false;
    out[0] = (char)('0' + h / 10);
    out[1] = (char)('0' + h % 10);
    out[2] = ':';
    out[3] = (char)('0' + m / 10);
    out[4] = (char)('0' + m % 10);
    out[5] = 0;
    return true;
}

/* All words of the line are one window. */
static json_t *time_window(const struct squid_directive *d)
{
    char from[6] = "00:00", to[6] = "24:00";
    json_t *days = json_array();
    for (size_t i = 3; i < d->n; i++) {
        struct str w = d->words[i].text;
        size_t dash = str_find(w, '-');
        if (dash == STR_NPOS) {
            add_days(w, days);
        } else if (!time_of_day(str_sub(w, 0, dash), from) ||
                   !time_of_day(str_sub(w, dash + 1, w.n), to)) {
            json_decref(days);
            return NULL;
        }
    }
    if (!json_array_size(days))
        add_days(STR("SMTWHFA"), days);
    return json_pack("{s:o,s:s,s:s}", "days", days, "from", from, "to", to);
}

/* --- the types ---------------------------------------------------------------------------------
 */

static const struct type {
    const char *name, *key;
    read_value *read;
    const char *why; /* it cannot be said */
} types[] = {
    {"src", "networks", read_network, NULL},
    {"dst", "server_networks", read_network, NULL},
    {"dstdomain", "hosts", read_domain, NULL},
    {"ssl::server_name", "hosts", read_domain, NULL},
    {"dstdom_regex", "url_patterns", read_host_regex, NULL},
    {"ssl::server_name_regex", "url_patterns", read_host_regex, NULL},
    {"url_regex", "url_patterns", read_url_regex, NULL},
    {"urlpath_regex", "url_patterns", read_path_regex, NULL},
    {"port", "ports", read_port, NULL},
    {"method", "methods", read_text, NULL},
    {"proto", "schemes", read_proto, NULL},
    {"proxy_auth", "users", read_user, NULL},
    {"browser", "user_agents", read_text, NULL},
    {"rep_mime_type", "content_types", read_mime, NULL},
    {"localip", NULL, NULL,
     "The address a client connected to: name the listener in the rule's `listeners` instead."},
    {"localport", NULL, NULL,
     "The port a client connected to: name the listener in the rule's `listeners` instead."},
    {"myportname", NULL, NULL,
     "A named port: name the listener in the rule's `listeners` instead."},
    {"proxy_auth_regex", NULL, NULL, "Expressions over user names: use a group of the directory."},
    {"external", NULL, NULL,
     "An external program decides; only group helpers of LDAP and Windows are understood."},
    {"srcdomain", NULL, NULL, "Names of clients are not looked up; use their network."},
    {"srcdom_regex", NULL, NULL, "Names of clients are not looked up; use their network."},
    {"arp", NULL, NULL,
     "Hardware addresses are not seen by a proxy in another network; use a network or users."},
    {"eui64", NULL, NULL,
     "Hardware addresses are not seen by a proxy in another network; use a network or users."},
    {"ident", NULL, NULL, "Ident is not spoken here; use users of the directory."},
    {"ident_regex", NULL, NULL, "Ident is not spoken here; use users of the directory."},
    {"maxconn", NULL, NULL, "Limits on connections are settings of the proxy, not conditions."},
    {"max_user_ip", NULL, NULL, "There is no limit of addresses per user."},
    {"referer_regex", NULL, NULL, "The referring page is recorded, but is no condition."},
    {"req_header", NULL, NULL, "Header fields of the request are no conditions."},
    {"rep_header", NULL, NULL, "Header fields of the answer are no conditions."},
    {"req_mime_type", NULL, NULL, "The type of an upload is no condition."},
    {"http_status", NULL, NULL, "The status of an answer is no condition."},
    {"random", NULL, NULL, "Chance is no condition."},
    {"src_as", NULL, NULL, "Numbers of autonomous systems are not known here; use networks."},
    {"dst_as", NULL, NULL, "Numbers of autonomous systems are not known here; use networks."},
    {"any-of", NULL, NULL, "A group of ACLs: write one rule for each."},
    {"all-of", NULL, NULL, "A group of ACLs: put its parts into the rule."},
    {"note", NULL, NULL, "Notes of helpers do not exist here."},
    {"tag", NULL, NULL, "Tags of helpers do not exist here."},
};

static const struct type *type_of(struct str name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (str_eq(name, str_of(types[i].name)))
            return &types[i];
    }
    return NULL;
}

/* --- the set -----------------------------------------------------------------------------------
 */

struct squid_acl *squid_acl_find(const struct squid_acl_set *s, struct str name)
{
    for (size_t i = 0; i < s->n; i++) {
        if (str_eq(s->v[i].name, name))
            return &s->v[i];
    }
    return NULL;
}

static struct squid_acl *make(struct squid_acl_set *s, struct str name)
{
    struct squid_acl *x = squid_acl_find(s, name);
    if (x || s->n == ACLS_MAX)
        return x;
    x = &s->v[s->n++];
    *x = (struct squid_acl){.name = name, .is = SQUID_ACL_VALUES, .values = json_array()};
    return x;
}

static void built_in(struct squid_acl_set *s, struct str name, enum squid_acl_is is,
                     const char *why)
{
    struct squid_acl *x = make(s, name);
    x->is = is;
    x->why = why;
}

enum err squid_acl_set_init(struct squid_acl_set *s)
{
    *s = (struct squid_acl_set){0};
    map_init(&s->helpers);
    s->v = calloc(ACLS_MAX, sizeof *s->v);
    if (!s->v)
        return ERR_NOMEM;
    built_in(s, STR("all"), SQUID_ACL_ALWAYS, NULL);
    built_in(s, STR("manager"), SQUID_ACL_NEVER,
             "There is no cache manager behind the proxy port.");
    built_in(s, STR("to_localhost"), SQUID_ACL_NEVER,
             "Addresses of this machine are always refused unless allow-private names them.");
    built_in(s, STR("to_linklocal"), SQUID_ACL_NEVER,
             "Link-local addresses are always refused unless allow-private names them.");
    struct squid_acl *local = make(s, STR("localhost")), *connect = make(s, STR("CONNECT"));
    local->key = "networks";
    json_array_append_new(local->values, json_string("127.0.0.0/8"));
    json_array_append_new(local->values, json_string("::1"));
    connect->key = "methods";
    json_array_append_new(connect->values, json_string("CONNECT"));
    return OK;
}

void squid_acl_set_fini(struct squid_acl_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        json_decref(s->v[i].values);
    free(s->v);
    map_fini(&s->helpers);
    *s = (struct squid_acl_set){0};
}

/* --- reading -----------------------------------------------------------------------------------
 */

struct tally {
    size_t n_read, n_left;
    bool is_wider;
    char example[80]; /* the first that was left out */
    const char *why;
};

static void one_value(struct squid_acl *x, const struct type *t, struct str text, struct tally *n,
                      struct outcome *o)
{
    struct value v = {.text = text, .out = x->values, .o = o};
    t->read(&v);
    n->n_read++;
    n->is_wider = n->is_wider || v.is_wider;
    if (!v.why)
        return;
    if (!n->n_left++) {
        struct str s = str_sub(text, 0, sizeof n->example - 1);
        memcpy(n->example, s.p, s.n);
        n->example[s.n] = 0;
        n->why = v.why;
    }
}

static void values_of_file(struct squid_acl *x, const struct type *t, const struct upload_file *f,
                           struct tally *n, struct outcome *o)
{
    struct upload_cursor at = {f->bytes, 0};
    struct str line;
    while (upload_line(&at, &line)) {
        line = str_trim(line);
        if (line.n && line.p[0] != '#')
            one_value(x, t, line, n, o);
    }
}

static bool is_flag(struct str w)
{
    return str_eq(w, STR("-i")) || str_eq(w, STR("+i")) || str_eq(w, STR("-n")) ||
           str_eq(w, STR("--"));
}

static void report_values(struct squid_acl *x, const struct tally *n, struct outcome *o,
                          struct outcome_row *row)
{
    row->kind = OUTCOME_TRANSLATED;
    x->is_partly = x->is_partly || n->n_left || n->is_wider;
    if (n->n_left) {
        row->kind = OUTCOME_PARTLY;
        outcome_report(o, row, "%zu of %zu values left out, the first: \"%s\" %s.", n->n_left,
                       n->n_read, n->example, n->why);
    } else if (n->is_wider) {
        row->kind = OUTCOME_PARTLY;
        outcome_report(o, row,
                       "A name without a leading dot fits only itself in Squid; here it fits "
                       "everything below it as well.");
    } else {
        outcome_report(o, row, "%s", "");
    }
}

static void read_values(struct squid_acl *x, const struct type *t, const struct squid_directive *d,
                        const struct upload *u, struct outcome *o)
{
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    struct tally n = {0};
    for (size_t i = 3; i < d->n; i++) {
        const struct squid_word *w = &d->words[i];
        if (!w->is_quoted) {
            if (!is_flag(w->text))
                one_value(x, t, w->text, &n, o);
            continue;
        }
        const struct upload_file *f = upload_find(u, w->text);
        if (f) {
            values_of_file(x, t, f, &n, o);
            continue;
        }
        x->is = SQUID_ACL_CANNOT;
        x->why = "The file with its values is not in the upload.";
        row.kind = OUTCOME_DROPPED;
        outcome_report(o, &row, "The file \"%.*s\" is not in the upload: add it and try again.",
                       STR_ARG(w->text));
        return;
    }
    report_values(x, &n, o, &row);
}

static void read_time(struct squid_acl *x, const struct squid_directive *d, struct outcome *o)
{
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    json_t *window = time_window(d);
    if (!window) {
        x->is = SQUID_ACL_CANNOT;
        x->why = "Its time cannot be read.";
        row.kind = OUTCOME_DROPPED;
        outcome_report(o, &row, "%s", x->why);
        return;
    }
    x->key = "schedules"; /* values are windows until it is placed */
    json_array_append_new(x->values, window);
    row.kind = OUTCOME_PARTLY;
    outcome_report(o, &row,
                   "Squid uses the machine's time zone; the schedule says UTC: set its zone.");
}

static void read_external(struct squid_acl *x, const struct squid_acl_set *s,
                          const struct squid_directive *d, struct outcome *o)
{
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    if (d->n < 4 || !map_get(&s->helpers, d->words[3].text)) {
        x->is = SQUID_ACL_CANNOT;
        x->why =
            "An external program decides; only group helpers of LDAP and Windows are understood.";
        row.kind = OUTCOME_DROPPED;
        outcome_report(o, &row, "%s", x->why);
        return;
    }
    x->key = "groups";
    for (size_t i = 4; i < d->n; i++)
        json_array_append_new(x->values, outcome_text(d->words[i].text));
    if (d->n == 4) {
        x->is = SQUID_ACL_CANNOT;
        x->why = "It names no group.";
    }
    row.kind = d->n == 4 ? OUTCOME_DROPPED : OUTCOME_TRANSLATED;
    outcome_report(o, &row, "%s", d->n == 4 ? x->why : "Groups come from the directory settings.");
}

enum err squid_acl_add(struct squid_acl_set *s, const struct squid_directive *d,
                       const struct upload *u, struct outcome *o)
{
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    row.kind = OUTCOME_DROPPED;
    if (d->n < 3) {
        outcome_report(o, &row, "An acl has a name and a type.");
        return OK;
    }
    struct squid_acl *x = make(s, d->words[1].text);
    if (!x)
        return ERR_LIMIT;
    struct str type = d->words[2].text;
    const struct type *t = type_of(type);
    if (x->is == SQUID_ACL_NEVER || x->is == SQUID_ACL_ALWAYS) {
        row.kind = OUTCOME_NOT_NEEDED;
        outcome_report(o, &row, "%s", x->why ? x->why : "");
    } else if (str_eq(type, STR("time"))) {
        read_time(x, d, o);
    } else if (str_eq(type, STR("external"))) {
        read_external(x, s, d, o);
    } else if (!t || !t->read) {
        x->is = SQUID_ACL_CANNOT;
        x->why = t ? t->why : "A type of ACL that is not known here.";
        outcome_report(o, &row, "%s", x->why);
    } else {
        x->key = t->key;
        read_values(x, t, d, u, o);
    }
    return json_is_array(x->values) ? OK : ERR_NOMEM;
}

enum err squid_acl_helper(struct squid_acl_set *s, const struct squid_directive *d,
                          struct outcome *o)
{
    static const char *const known[] = {"ldap_group", "wbinfo_group", "kerberos_ldap_group",
                                        "unix_group", "lm_group",     "ad_group"};
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    row.kind = OUTCOME_DROPPED;
    for (size_t i = 0; d->n > 1 && i < sizeof known / sizeof *known; i++) {
        if (str_find_str(d->text, str_of(known[i])) == STR_NPOS)
            continue;
        void *old;
        row.kind = OUTCOME_NOT_NEEDED;
        outcome_report(o, &row,
                       "Groups come from the directory: set it up under Users, Directory.");
        return map_put(&s->helpers, d->words[1].text, s, &old);
    }
    outcome_report(o, &row, "External programs are not run; rules that use it are switched off.");
    return OK;
}

/* --- use ---------------------------------------------------------------------------------------
 */

static void place_category(struct squid_acl *x, struct outcome *o)
{
    struct outcome_category *c = outcome_category(o, x->name);
    size_t i;
    const json_t *v;
    if (!c)
        return;
    json_array_foreach(x->values, i, v)
        outcome_category_add(c, str_of(json_string_value(v)), false);
    json_decref(x->values);
    x->values = json_pack("[s#]", c->name.p, (int)c->name.n);
    x->key = "categories";
}

static void place_list(struct squid_acl *x, const char *kind, struct outcome *o)
{
    const char *name = outcome_list(o, x->name, kind, x->values);
    x->values = json_pack("[s]", name ? name : "");
    x->key = "lists";
}

/* Many values get a name of their own, once. */
static void place(struct squid_acl *x, struct outcome *o)
{
    static const struct {
        const char *key, *kind;
    } kinds[] = {{"hosts", "domains"}, {"url_patterns", "url_patterns"}, {"networks", "networks"}};
    if (x->is_placed)
        return;
    x->is_placed = true;
    size_t n = json_array_size(x->values);
    if (strcmp(x->key, "schedules") == 0) {
        const char *name = outcome_schedule(o, x->name, x->values);
        x->values = json_pack("[s]", name ? name : "");
        return;
    }
    if (strcmp(x->key, "hosts") == 0 && n > OUTCOME_LIST_MAX) {
        place_category(x, o);
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (n > OUTCOME_INLINE_MAX && strcmp(x->key, kinds[i].key) == 0) {
            place_list(x, kinds[i].kind, o);
            return;
        }
    }
}

bool squid_acl_apply(struct squid_acl *x, json_t *rule, const char *side, struct outcome *o)
{
    place(x, o);
    if (!json_array_size(x->values))
        return false;
    return outcome_condition(rule, side, x->key, x->values);
}
