/* guard: `pass` is a list read from the left, the first item that fits decides; so each item is one
 * rule, under the conditions of its source. */
#include "convert/guard.h"

#include <stdio.h>

#include "convert/guard_config.h"

struct making {
    struct guard_config *g;
    struct outcome *o;
    const struct guard_pass *pass;
    struct guard_source *source; /* NULL: default */
    enum guard_role role;
    json_t *passed; /* GUARD_FILTERS: categories that an item before this one lets through */
    bool passes_addresses;
};

static const char by_address[] = "^[a-z]+://(\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9a-f:.]+\\])[:/]";

static void exempt(json_t *rule, const char *key, const json_t *values)
{
    if (rule && json_array_size(values))
        outcome_condition(rule, "unless", key, values);
}

/* A filter does not end with "allow", so who has a block of his own above is exempted here. */
static void exempt_others(struct making *m, json_t *rule)
{
    for (const struct guard_pass *p = m->g->passes; p < m->g->passes + m->g->n_passes; p++) {
        const struct guard_source *s = guard_config_source(m->g, p->source);
        if (m->source && p >= m->pass)
            break;
        if (!s || s == m->source)
            continue;
        bool is_plain = s->when == GUARD_ANYTIME && !s->cannot &&
                        !json_array_size(s->networks) != !json_array_size(s->users);
        if (!is_plain)
            outcome_rule_off(rule, "Not switched on: exempt by hand the sources that have a block "
                                   "of their own above.");
        exempt(rule, "networks", s->networks);
        exempt(rule, "users", s->users);
    }
}

static void exempt_passed(struct making *m, json_t *rule)
{
    if (!rule || m->role == GUARD_DECIDES)
        return;
    exempt(rule, "categories", m->passed);
    if (m->passes_addresses) {
        json_t *one = json_pack("[s]", by_address);
        exempt(rule, "url_patterns", one);
        json_decref(one);
    }
    exempt_others(m, rule);
}

static void schedule(struct making *m, json_t *rule, enum guard_when when, struct str name)
{
    struct guard_time *t = guard_config_time(m->g, name);
    if (when == GUARD_ANYTIME)
        return;
    if (!t || !json_array_size(t->windows)) {
        outcome_rule_off(rule, "Not switched on: its time is not known.");
        return;
    }
    if (!t->schedule)
        t->schedule = outcome_schedule(m->o, t->name, json_incref(t->windows));
    json_t *one = json_pack("[s]", t->schedule ? t->schedule : "");
    if (!outcome_condition(rule, when == GUARD_WITHIN ? "when" : "unless", "schedules", one))
        outcome_rule_off(rule, "Not switched on: two times would both have to fit.");
    json_decref(one);
}

static void from_whom(struct making *m, json_t *rule)
{
    const struct guard_source *s = m->source;
    schedule(m, rule, m->pass->when, m->pass->time);
    if (!s)
        return;
    schedule(m, rule, s->when, s->time);
    if (json_array_size(s->networks))
        outcome_condition(rule, "when", "networks", s->networks);
    if (json_array_size(s->users))
        outcome_condition(rule, "when", "users", s->users);
    if (s->cannot) {
        char why[200];
        snprintf(why, sizeof why, "Not switched on: %s", s->cannot);
        outcome_rule_off(rule, why);
    } else if (!json_array_size(s->networks) && !json_array_size(s->users)) {
        outcome_rule_off(rule, "Not switched on: its source names nobody.");
    }
}

static json_t *rule_for(struct making *m, struct str what, bool is_allow)
{
    struct buf b;
    buf_init(&b, 300);
    buf_addf(&b, "%.*s: %s %.*s", STR_ARG(m->pass->source), is_allow ? "allow" : "block",
             STR_ARG(what));
    json_t *rule = outcome_rule(m->o, buf_str(&b), is_allow ? "allow" : "block");
    buf_fini(&b);
    if (rule) {
        from_whom(m, rule);
        exempt_passed(m, rule);
    }
    return rule;
}

static void add_key(json_t *rule, const char *key, const char *value)
{
    json_t *one = json_pack("[s]", value);
    if (rule)
        outcome_condition(rule, "when", key, one);
    json_decref(one);
}

/* Hosts that are addresses. */
static void address_rule(struct making *m, bool is_allow)
{
    if (is_allow && m->role == GUARD_FILTERS)
        m->passes_addresses = true;
    else
        add_key(rule_for(m, STR("hosts given by address"), is_allow), "url_patterns", by_address);
}

static bool dest_rule(struct making *m, struct str name, bool is_allow)
{
    struct guard_dest *d = guard_config_dest(m->g, name);
    if (!d)
        return false;
    if (!d->category) { /* by the name that the store would take */
        struct outcome_category *c = outcome_category(m->o, d->name);
        d->category = c ? c->name.p : "";
    }
    if (is_allow && m->role == GUARD_FILTERS)
        json_array_append_new(m->passed, json_string(d->category));
    else
        add_key(rule_for(m, d->name, is_allow), "categories", d->category);
    return true;
}

/* What is left for the source: everything or nothing. The default's is the document's. */
static void all_rule(struct making *m, bool is_allow)
{
    bool is_filter = m->role == GUARD_FILTERS;
    if (is_filter && is_allow)
        return;
    if (is_filter || m->source || m->pass->when != GUARD_ANYTIME) {
        rule_for(m, STR("everything else"), is_allow);
        return;
    }
    json_object_set_new(m->o->document, "default",
                        json_pack("{s:s}", "action", is_allow ? "allow" : "block"));
}

/* True when the item ends the list. */
static bool one_item(struct making *m, struct str item, unsigned *unknown)
{
    bool is_not = str_starts(item, STR("!"));
    if (is_not)
        item = str_sub(item, 1, item.n);
    if (str_eq(item, STR("all")) || str_eq(item, STR("any"))) {
        all_rule(m, !is_not);
        return true;
    }
    if (str_eq(item, STR("none"))) {
        all_rule(m, false);
        return true;
    }
    if (str_eq(item, STR("in-addr")))
        address_rule(m, !is_not);
    else if (!dest_rule(m, item, !is_not))
        ++*unknown;
    return false;
}

static void one_pass(struct making *m)
{
    struct outcome_row row = {.file = m->g->file, .line = m->pass->line, .text = m->pass->text};
    struct str rest = m->pass->items, item;
    unsigned unknown = 0;
    bool is_ended = false;
    size_t first = json_array_size(m->o->rules);
    if (!m->pass->line)
        return;
    m->passed = json_array();
    while (!is_ended && upload_word(&rest, &item))
        is_ended = one_item(m, item, &unknown);
    if (!is_ended) /* squidGuard blocks what no item names */
        all_rule(m, false);
    json_decref(m->passed);
    row.rule = outcome_rule_id(json_array_get(m->o->rules, first));
    row.kind = unknown ? OUTCOME_PARTLY : OUTCOME_TRANSLATED;
    if (unknown)
        outcome_report(m->o, &row, "%u of its destinations are not declared.", unknown);
    else
        outcome_report(m->o, &row, "%zu rules.", json_array_size(m->o->rules) - first);
}

static void make_rules(struct guard_config *g, enum guard_role role, struct outcome *o,
                       bool is_default)
{
    for (size_t i = 0; i < g->n_passes; i++) {
        struct making m = {.g = g, .o = o, .pass = &g->passes[i], .role = role};
        m.source = guard_config_source(g, m.pass->source);
        if (str_eq(g->passes[i].source, STR("default")) != is_default)
            continue;
        if (!is_default && !m.source) {
            struct outcome_row row = {.file = g->file,
                                      .line = m.pass->line,
                                      .text = m.pass->text,
                                      .kind = OUTCOME_DROPPED};
            outcome_report(o, &row, "The source \"%.*s\" is not declared.",
                           STR_ARG(m.pass->source));
            continue;
        }
        one_pass(&m);
    }
}

enum err guard_convert(const struct upload *u, const struct upload_file *main, enum guard_role role,
                       struct outcome *o)
{
    struct guard_config g = {0};
    enum err e = guard_config_read(u, main, o, &g);
    if (e == OK) {
        make_rules(&g, role, o, false);
        make_rules(&g, role, o, true);
    }
    guard_config_fini(&g);
    return e == OK && o->failed ? ERR_NOMEM : e;
}
