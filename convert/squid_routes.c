/* squid_routes: requests fall into regions: one for each condition that the lines name, and the
 * rest. Of each region it is told which parents may serve it and whether it may go direct. What
 * always_direct names is looked at before. Regions must not overlap, or order would matter. */
#include "convert/squid_routes.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "convert/squid_line.h"

#define RULES_MAX 5000

struct way { /* of one region */
    uint32_t peers;
    bool never_direct;
    const char *to; /* a group, or "direct" */
};

struct plan {
    struct squid_routes *r;
    const struct squid_acl_set *acls;
    struct outcome *o;
    struct squid_directive conditions[SQUID_ROUTES_MAX]; /* words from 2 on are ACLs */
    size_t n;
    struct way ways[SQUID_ROUTES_MAX + 1];           /* the last: the rest */
    struct squid_directive direct[SQUID_ROUTES_MAX]; /* always */
    size_t n_direct;
    const char *why; /* it cannot be told exactly */
    bool is_partly;
};

/* --- collecting --------------------------------------------------------------------------------
 */

static bool is_line(const struct squid_directive *d, const char *name)
{
    return str_eq(d->words[0].text, str_of(name));
}

bool squid_routes_add(struct squid_routes *r, const struct squid_directive *d, struct outcome *o)
{
    if (is_line(d, "cache_peer")) {
        r->is_too_much = r->is_too_much || r->n_peers == SQUID_PEERS_MAX;
        if (r->n_peers == SQUID_PEERS_MAX)
            return false;
        r->peers[r->n_peers++] = squid_peer_read(d, o);
        return true;
    }
    bool is_access = is_line(d, "cache_peer_access");
    bool is_switch = is_line(d, "nonhierarchical_direct") || is_line(d, "prefer_direct");
    if (!is_access && !is_switch && !is_line(d, "never_direct") && !is_line(d, "always_direct"))
        return false;
    if (is_line(d, "nonhierarchical_direct"))
        r->is_all_hierarchical = d->n > 1 && str_eq(d->words[1].text, STR("off"));
    if (is_line(d, "prefer_direct"))
        r->prefers_direct = d->n > 1 && str_eq(d->words[1].text, STR("on"));
    if (r->n_lines == SQUID_ROUTES_LINES) {
        r->is_too_much = true;
        return false;
    }
    r->lines[r->n_lines++] = d;
    return true;
}

/* --- conditions --------------------------------------------------------------------------------
 */

/* "cache_peer_access NAME allow X" as "NAME allow X". */
static struct squid_directive access_of(const struct squid_directive *d)
{
    struct squid_directive x = *d;
    if (is_line(d, "cache_peer_access") && d->n > 1) {
        x.words++;
        x.n--;
    }
    return x;
}

static bool is_same(const struct squid_directive *a, const struct squid_directive *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 2; i < a->n; i++) {
        if (!str_eq(a->words[i].text, b->words[i].text))
            return false;
    }
    return true;
}

static int condition(struct plan *p, const struct squid_directive *line)
{
    for (size_t i = 0; i < p->n; i++) {
        if (is_same(&p->conditions[i], line))
            return (int)i;
    }
    if (p->n == SQUID_ROUTES_MAX) {
        p->why = "Too many different conditions.";
        return 0;
    }
    p->conditions[p->n] = *line;
    return (int)p->n++;
}

/* What a line comes to; *is_allow. Lines that say nothing of it set why. */
static enum squid_line_is read_line(struct plan *p, const struct squid_directive *line,
                                    bool *is_allow)
{
    *is_allow = line->n > 1 && str_eq(line->words[1].text, STR("allow"));
    if (line->n < 3 || (!*is_allow && !str_eq(line->words[1].text, STR("deny")))) {
        p->why = "A line says neither allow nor deny, or for what.";
        return SQUID_LINE_NEVER;
    }
    struct squid_judged j = squid_line_judge(p->acls, line);
    if (j.is == SQUID_LINE_CANNOT)
        p->why = j.why ? j.why : "An ACL cannot be taken over.";
    p->is_partly = p->is_partly || j.is_partly;
    return j.is;
}

/* Lists of host names of which none lies below one of the other. */
static bool are_apart(const json_t *a, const json_t *b)
{
    size_t i, k;
    const json_t *x, *y;
    json_array_foreach(a, i, x)
    {
        json_array_foreach(b, k, y)
        {
            struct str s = str_of(json_string_value(x)), t = str_of(json_string_value(y));
            struct str lo = s.n < t.n ? t : s, up = s.n < t.n ? s : t;
            if (str_ends(lo, up) && (lo.n == up.n || lo.p[lo.n - up.n - 1] == '.'))
                return false;
        }
    }
    return true;
}

static const json_t *hosts_of(const struct plan *p, const struct squid_directive *d)
{
    if (d->n != 3)
        return NULL;
    const struct squid_acl *a = squid_acl_find(p->acls, d->words[2].text);
    bool is_hosts = a && a->is == SQUID_ACL_VALUES && a->key && strcmp(a->key, "hosts") == 0 &&
                    json_array_size(a->values) <= 1000;
    return is_hosts ? a->values : NULL;
}

static void want_apart(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        for (size_t k = 0; k < i; k++) {
            const json_t *a = hosts_of(p, &p->conditions[i]), *b = hosts_of(p, &p->conditions[k]);
            if (!a || !b || !are_apart(a, b))
                p->why = "Its conditions may fit the same request; only lists of names that do not "
                         "overlap are told apart for certain.";
        }
    }
}

/* --- regions -----------------------------------------------------------------------------------
 */

/* The lines of one peer (or, peer NULL, of never_direct): a bit a region, the rest the last. Only
 * lists of allow, or of deny, with one line for everything behind. */
static uint32_t regions(struct plan *p, const char *word, const struct squid_peer *peer,
                        bool without)
{
    uint32_t allowed = 0, denied = 0, rest = 1u << SQUID_ROUTES_MAX;
    bool last_is_allow = !without, has_any = false;
    for (size_t i = 0; i < p->r->n_lines && !p->why; i++) {
        const struct squid_directive *d = p->r->lines[i];
        struct squid_directive line = access_of(d);
        bool is_allow;
        if (!is_line(d, word) || (peer && (d->n < 2 || !str_eq(d->words[1].text, peer->name))))
            continue;
        enum squid_line_is is = read_line(p, &line, &is_allow);
        if (is == SQUID_LINE_NEVER)
            continue;
        has_any = true;
        last_is_allow = is_allow;
        if (is == SQUID_LINE_ALL)
            return is_allow ? (rest | (rest - 1)) & ~denied : allowed;
        *(is_allow ? &allowed : &denied) |= 1u << condition(p, &line);
        if (allowed && denied)
            p->why = "Lines that allow and deny by turns.";
    }
    if (!has_any)
        return without ? rest | (rest - 1) : 0;
    return last_is_allow ? allowed : (rest | (rest - 1)) & ~denied;
}

static void always_direct(struct plan *p)
{
    for (size_t i = 0; i < p->r->n_lines && !p->why; i++) {
        const struct squid_directive *d = p->r->lines[i];
        bool is_allow;
        if (!is_line(d, "always_direct"))
            continue;
        enum squid_line_is is = read_line(p, d, &is_allow);
        if (is == SQUID_LINE_NEVER)
            continue;
        if (is == SQUID_LINE_ALL && !is_allow)
            return;
        if (is == SQUID_LINE_ALL || !is_allow || p->n_direct == SQUID_ROUTES_MAX) {
            p->why = "Only lines that allow some requests to go direct are understood.";
            return;
        }
        p->direct[p->n_direct++] = *d;
    }
}

/* "never_direct deny X" with "always_direct allow X" says nothing more. */
static bool is_said_already(const struct plan *p, const struct squid_directive *d)
{
    for (size_t i = 0; i < p->n_direct; i++) {
        if (is_line(d, "never_direct") && str_eq(d->words[1].text, STR("deny")) &&
            is_same(&p->direct[i], d))
            return true;
    }
    return false;
}

static void drop_said(struct plan *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->r->n_lines; i++) {
        const struct squid_directive *d = p->r->lines[i];
        if (d->n > 1 && is_said_already(p, d)) {
            struct outcome_row row = {d->file, d->line, d->text, OUTCOME_NOT_NEEDED, NULL};
            outcome_report(p->o, &row, "always_direct says so already.");
        } else {
            p->r->lines[n++] = d;
        }
    }
    p->r->n_lines = n;
}

static void read_regions(struct plan *p)
{
    uint32_t never, of[SQUID_PEERS_MAX] = {0};
    always_direct(p);
    drop_said(p);
    never = regions(p, "never_direct", NULL, false);
    for (size_t i = 0; i < p->r->n_peers; i++)
        of[i] = regions(p, "cache_peer_access", &p->r->peers[i], true);
    want_apart(p);
    for (size_t k = 0; k <= p->n; k++) {
        unsigned bit = k == p->n ? SQUID_ROUTES_MAX : (unsigned)k;
        p->ways[k].never_direct = never >> bit & 1;
        for (size_t i = 0; i < p->r->n_peers; i++) {
            if (!(of[i] >> bit & 1))
                continue;
            p->ways[k].peers |= 1u << i;
            if (p->r->peers[i].useless)
                p->why = "A parent that these lines use cannot be taken over.";
        }
    }
}

/* --- groups ------------------------------------------------------------------------------------
 */

static const char *add_group(struct plan *p, json_t *groups, const struct way *w)
{
    size_t only = 0, count = 0;
    for (size_t i = 0; i < p->r->n_peers; i++) {
        if (w->peers >> i & 1) {
            only = i;
            count++;
        }
    }
    bool is_exact;
    struct str wish = count == 1 ? p->r->peers[only].name : STR("parents");
    const char *name =
        outcome_name(p->o, str_eq_nocase(wish, STR("direct")) ? STR("parent") : wish);
    json_t *g = squid_peer_group(p->r->peers, p->r->n_peers, w->peers, name, &is_exact);
    json_object_set_new(g, "when_all_down", json_string(w->never_direct ? "fail" : "direct"));
    p->is_partly = p->is_partly || !is_exact;
    if (!g || json_array_append_new(groups, g) != 0)
        p->o->failed = true;
    return name;
}

static void make_groups(struct plan *p, json_t *groups)
{
    for (size_t k = 0; k <= p->n && !p->why; k++) {
        struct way *w = &p->ways[k];
        if (!w->peers) {
            w->to = "direct";
            if (w->never_direct)
                p->why = "Some requests may neither go direct nor to a parent.";
            continue;
        }
        if (!w->never_direct && (!p->r->is_all_hierarchical || p->r->prefers_direct)) {
            p->why = "Without never_direct Squid chooses by method and by what it finds reachable: "
                     "decide under System, Parent proxies, which requests go there.";
            return;
        }
        for (size_t i = 0; i < k && !w->to; i++) {
            if (p->ways[i].peers == w->peers && p->ways[i].never_direct == w->never_direct)
                w->to = p->ways[i].to;
        }
        if (!w->to)
            w->to = add_group(p, groups, w);
    }
}

/* Nothing is sent to it; a person finds the parents there. */
static void lone_group(struct plan *p, json_t *groups)
{
    struct way all = {.never_direct = true};
    json_array_clear(groups);
    for (size_t i = 0; i < p->r->n_peers; i++)
        all.peers |= p->r->peers[i].useless ? 0 : 1u << i;
    if (all.peers)
        add_group(p, groups, &all);
}

/* --- rules -------------------------------------------------------------------------------------
 */

static json_t *sent_rule(struct plan *p, const json_t *rule, const struct squid_directive *line,
                         const char *to)
{
    json_t *copy = json_deep_copy(rule);
    char name[260];
    snprintf(name, sizeof name, "%.200s, via %s", json_string_value(json_object_get(rule, "name")),
             to);
    json_object_set_new(copy, "name", outcome_text(str_of(name)));
    json_object_set_new(copy, "id", json_string(outcome_name(p->o, str_of(name))));
    json_object_set_new(copy, "upstream", json_string(to));
    if (copy && squid_line_apply(p->acls, line, copy, p->o))
        return copy;
    p->why = "A rule asks for two sets of one kind at once then; name the group in the rules.";
    json_decref(copy);
    return NULL;
}

/* Before a rule that lets through stand its twins that send some of it elsewhere. */
static void split_rule(struct plan *p, json_t *out, const json_t *rule)
{
    for (size_t i = 0; i < p->n_direct && !p->why; i++)
        json_array_append_new(out, sent_rule(p, rule, &p->direct[i], "direct"));
    for (size_t k = 0; k < p->n && !p->why; k++) {
        if (strcmp(p->ways[k].to, p->ways[p->n].to) != 0)
            json_array_append_new(out, sent_rule(p, rule, &p->conditions[k], p->ways[k].to));
    }
    if (json_array_size(out) > RULES_MAX)
        p->why = "It would take too many rules.";
}

static bool is_allow(const json_t *rule)
{
    const char *action = json_string_value(json_object_get(rule, "action"));
    return action && strcmp(action, "allow") == 0;
}

static void split_rules(struct plan *p)
{
    json_t *out = json_array(), *rule;
    json_t *standard = json_object_get(p->o->document, "default");
    size_t i;
    json_array_foreach(p->o->rules, i, rule)
    {
        if (is_allow(rule) && json_is_true(json_object_get(rule, "enabled")) && !p->why)
            split_rule(p, out, rule);
        json_array_append(out, rule);
    }
    if (is_allow(standard) && !p->why) {
        json_t *rest = json_pack("{s:s,s:s,s:b,s:b,s:{},s:{},s:s,s:s,s:s}", "id", "rest", "name",
                                 "Everything else", "enabled", 1, "shadow", 0, "when", "unless",
                                 "action", "allow", "owner", "", "comment", "");
        split_rule(p, out, rest);
        json_decref(rest);
    }
    if (!p->why) {
        json_array_clear(p->o->rules);
        json_array_extend(p->o->rules, out);
    }
    json_decref(out);
}

/* --- report ------------------------------------------------------------------------------------
 */

static void report_peers(const struct plan *p)
{
    for (size_t i = 0; i < p->r->n_peers; i++) {
        const struct squid_peer *peer = &p->r->peers[i];
        const struct squid_directive *d = peer->line;
        struct outcome_row row = {d->file, d->line, d->text, OUTCOME_TRANSLATED, NULL};
        row.kind = peer->useless                  ? OUTCOME_DROPPED
                   : peer->partly || p->is_partly ? OUTCOME_PARTLY
                                                  : OUTCOME_TRANSLATED;
        outcome_report(p->o, &row, "%s",
                       peer->useless  ? peer->useless
                       : peer->partly ? peer->partly
                                      : "A member of a group in the settings `upstreams`.");
    }
}

static void report_lines(const struct plan *p)
{
    if (!p->r->n_peers) {
        for (size_t i = 0; i < p->r->n_lines; i++) {
            const struct squid_directive *d = p->r->lines[i];
            struct outcome_row row = {d->file, d->line, d->text, OUTCOME_NOT_NEEDED, NULL};
            outcome_report(p->o, &row, "There is no parent: everything goes direct.");
        }
        return;
    }
    for (size_t i = 0; i < p->r->n_lines; i++) {
        const struct squid_directive *d = p->r->lines[i];
        struct outcome_row row = {d->file, d->line, d->text, OUTCOME_TRANSLATED, NULL};
        row.kind = p->why ? OUTCOME_DROPPED : p->is_partly ? OUTCOME_PARTLY : OUTCOME_TRANSLATED;
        outcome_report(p->o, &row, "%s%s", p->why ? "No request is sent to a parent. " : "",
                       p->why         ? p->why
                       : p->is_partly ? "See the notes on its ACLs and parents."
                                      : "In the settings `upstreams` and `upstream` of rules.");
    }
}

void squid_routes_finish(struct squid_routes *r, const struct squid_acl_set *acls,
                         struct outcome *o)
{
    struct plan p = {.r = r, .acls = acls, .o = o};
    json_t *groups = json_array();
    if (r->is_too_much)
        p.why = "There are more parents or lines than are taken over.";
    if (!p.why && r->n_peers)
        read_regions(&p);
    if (!p.why && r->n_peers)
        make_groups(&p, groups);
    if (!p.why && r->n_peers)
        split_rules(&p);
    if (p.why)
        lone_group(&p, groups);
    const char *rest = p.why || !r->n_peers || !p.ways[p.n].peers ? "" : p.ways[p.n].to;
    if (json_array_size(groups))
        o->upstreams = json_pack("{s:O,s:s}", "groups", groups, "default", rest);
    o->failed = o->failed || !groups || (json_array_size(groups) && !o->upstreams);
    json_decref(groups);
    report_peers(&p);
    report_lines(&p);
}
