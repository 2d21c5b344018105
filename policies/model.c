/* model: the document as a whole: rules, lists, schedules, tests, and references between them. */
#include "policies/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/url.h"
#include "policies/effects_read.h"
#include "policies/model_values.h"
#include "policies/reader.h"

#define ARENA_MAX ((size_t)1 << 30)

static const char *const action_words[] = {"allow", "block", "warn", "redirect", "override", NULL};

static void read_default(struct reader *r, const json_t *root, struct model *m)
{
    static const char *const names[] = {"action", "message", NULL};
    static const char *const words[] = {"allow", "block", NULL};
    const json_t *d = reader_object(r, root, "default");
    if (!d)
        return;
    size_t mark = reader_enter(r, "default");
    int action = VERDICT_ALLOW;
    reader_only(r, d, names);
    reader_word(r, d, "action", words, &action);
    reader_string(r, d, "message", &m->default_message);
    m->default_action = (enum verdict_action)action;
    reader_leave(r, mark);
}

static void read_log_and_tls(struct reader *r, const json_t *o, struct model_rule *rule)
{
    static const char *const logs[] = {"full", "no-query", "none", NULL};
    static const char *const tls[] = {"default", "tunnel", "inspect", NULL};
    int log = VERDICT_LOG_FULL, how = VERDICT_TLS_DEFAULT;
    reader_word(r, o, "log", logs, &log);
    reader_word(r, o, "tls", tls, &how);
    rule->log = (enum verdict_log)log;
    rule->tls = (enum verdict_tls)how;
    if (how == VERDICT_TLS_INSPECT) {
        size_t mark = reader_enter(r, "tls");
        report_warning(r->report, r->pointer, "not-enforced",
                       "This version opens no TLS: the tunnel is judged by its host.");
        reader_leave(r, mark);
    }
}

static void read_sides(struct reader *r, const json_t *o, struct model_rule *rule)
{
    static const char *const sides[] = {"when", "unless"};
    for (int s = 0; s < MODEL_N_SIDES; s++) {
        const json_t *c = reader_object(r, o, sides[s]);
        size_t mark = reader_enter(r, sides[s]);
        if (c)
            model_values_read(r, c, rule->cond[s]);
        reader_leave(r, mark);
    }
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

/* As it can stand in a Location field. */
static bool is_location(struct str s)
{
    struct url url;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] > 0x7e)
            return false;
    return url_parse(s, &url) == OK;
}

static void check_redirect(struct reader *r, const struct model_rule *rule)
{
    size_t mark = reader_enter(r, "redirect_url");
    if (rule->redirect_url.n == 0)
        reader_fault(r, "missing", "A redirect has a \"redirect_url\" (http or https).");
    else if (!is_location(rule->redirect_url))
        reader_fault(r, "bad-url", "This is not an http or https URL of plain ASCII.");
    reader_leave(r, mark);
}

static void check_rule(struct reader *r, const json_t *o, const struct model_rule *rule)
{
    if (rule->id.n == 0)
        reader_fault(r, "missing", "A rule has an \"id\".");
    if (rule->id.n > 128)
        reader_fault(r, "too-long", "The id of a rule has at most 128 bytes.");
    if (!is_plain(rule->id))
        reader_fault(r, "bad-id", "The id of a rule has no control characters.");
    if (!json_object_get(o, "action"))
        reader_fault(r, "missing", "A rule has an \"action\".");
    if (rule->action == VERDICT_REDIRECT)
        check_redirect(r, rule);
}

static void read_rule(struct reader *r, const json_t *o, struct model_rule *rule)
{
    static const char *const names[] = {"id",          "name",       "enabled",
                                        "shadow",      "when",       "unless",
                                        "action",      "message",    "owner",
                                        "comment",     "expires_at", "redirect_url",
                                        "tls",         "log",        "set_headers",
                                        "safe_search", "scan",       "limit",
                                        "quota",       "override",   "remember_minutes",
                                        "upstream",    NULL};
    if (!json_is_object(o)) {
        reader_fault(r, "wrong-type", "A rule is an object.");
        return;
    }
    int action = VERDICT_BLOCK;
    rule->is_enabled = true;
    reader_only(r, o, names);
    reader_string(r, o, "id", &rule->id);
    reader_string(r, o, "name", &rule->name);
    reader_string(r, o, "message", &rule->message);
    reader_string(r, o, "redirect_url", &rule->redirect_url);
    reader_string(r, o, "owner", &rule->owner);
    reader_string(r, o, "comment", &rule->comment);
    reader_bool(r, o, "enabled", &rule->is_enabled);
    reader_bool(r, o, "shadow", &rule->is_shadow);
    reader_word(r, o, "action", action_words, &action);
    reader_time(r, o, "expires_at", &rule->expires_at_ms);
    rule->action = (enum verdict_action)action;
    read_log_and_tls(r, o, rule);
    read_sides(r, o, rule);
    effects_read(r, o, rule);
    check_rule(r, o, rule);
}

static void read_list(struct reader *r, const json_t *o, struct model_list *l)
{
    static const char *const names[] = {"name", "kind", "entries", "comment", NULL};
    static const char *const kinds[] = {"domains", "url_patterns", "networks", NULL};
    if (!json_is_object(o)) {
        reader_fault(r, "wrong-type", "A list is an object.");
        return;
    }
    int kind = LIST_DOMAINS;
    reader_only(r, o, names);
    reader_string(r, o, "name", &l->name);
    reader_word(r, o, "kind", kinds, &kind);
    l->kind = (enum model_list_kind)kind;
    if (l->name.n == 0)
        reader_fault(r, "missing", "A list has a \"name\".");
    const json_t *entries = reader_array(r, o, "entries");
    size_t mark = reader_enter(r, "entries");
    if (entries)
        model_values_list(r, entries, l);
    reader_leave(r, mark);
}

static bool read_minutes(struct reader *r, const json_t *o, const char *name, uint16_t *out)
{
    struct str s = {0};
    uint64_t h, m;
    reader_string(r, o, name, &s);
    if (s.n == 5 && s.p[2] == ':' && str_to_u64(str_sub(s, 0, 2), 24, &h) == OK &&
        str_to_u64(str_sub(s, 3, 5), 59, &m) == OK && h * 60 + m <= 1440) {
        *out = (uint16_t)(h * 60 + m);
        return true;
    }
    size_t mark = reader_enter(r, name);
    reader_fault(r, "bad-time", "\"%s\" is a time of the day such as 08:00, at most 24:00.", name);
    reader_leave(r, mark);
    return false;
}

static void read_window(struct reader *r, const json_t *o, struct model_window *w)
{
    static const char *const names[] = {"days", "from", "to", NULL};
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    if (!json_is_object(o)) {
        reader_fault(r, "wrong-type", "A window is an object.");
        return;
    }
    reader_only(r, o, names);
    const json_t *list = reader_array(r, o, "days");
    size_t i;
    json_t *d;
    json_array_foreach((json_t *)(uintptr_t)list, i, d)
    {
        int day = -1;
        for (int k = 0; k < 7; k++)
            if (json_is_string(d) && strcmp(json_string_value(d), days[k]) == 0)
                day = k;
        if (day < 0)
            reader_fault(r, "bad-day", "A day is one of mon, tue, wed, thu, fri, sat, sun.");
        else
            w->days |= (uint8_t)(1u << day);
    }
    if (!list)
        w->days = 0x7f; /* every day */
    read_minutes(r, o, "from", &w->from_min);
    read_minutes(r, o, "to", &w->to_min);
}

static void read_schedule(struct reader *r, const json_t *o, struct model_schedule *s)
{
    static const char *const names[] = {"name", "zone", "windows", "comment", NULL};
    if (!json_is_object(o)) {
        reader_fault(r, "wrong-type", "A schedule is an object.");
        return;
    }
    s->zone = STR("UTC");
    reader_only(r, o, names);
    reader_string(r, o, "name", &s->name);
    reader_string(r, o, "zone", &s->zone);
    if (s->name.n == 0)
        reader_fault(r, "missing", "A schedule has a \"name\".");
    const json_t *windows = reader_array(r, o, "windows");
    size_t n = json_array_size(windows);
    size_t mark = reader_enter(r, "windows");
    s->windows = reader_alloc(r, n, sizeof *s->windows);
    for (size_t i = 0; s->windows && i < n; i++) {
        size_t at = reader_enter_at(r, i);
        read_window(r, json_array_get(windows, i), &s->windows[i]);
        reader_leave(r, at);
    }
    s->n_windows = s->windows ? n : 0;
    reader_leave(r, mark);
}

static void read_test(struct reader *r, const json_t *o, struct model_test *t)
{
    static const char *const names[] = {"name", "url",    "user",   "groups", "client",
                                        "time", "method", "expect", "server", NULL};
    if (!json_is_object(o)) {
        reader_fault(r, "wrong-type", "A test is an object.");
        return;
    }
    int expect = VERDICT_ALLOW;
    reader_only(r, o, names);
    reader_string(r, o, "name", &t->name);
    reader_string(r, o, "url", &t->url);
    reader_string(r, o, "user", &t->user);
    reader_string(r, o, "client", &t->client);
    reader_string(r, o, "method", &t->method);
    reader_string(r, o, "server", &t->server);
    reader_time(r, o, "time", &t->time_ms);
    reader_word(r, o, "expect", action_words, &expect);
    t->expect = (enum verdict_action)expect;
    if (t->url.n == 0 || !json_object_get(o, "expect"))
        reader_fault(r, "missing", "A test has a \"url\" and what to \"expect\".");
    struct model_values groups = {0};
    struct model_values all[MODEL_N_KEYS] = {0};
    json_t *only = json_object_get(o, "groups")
                       ? json_pack("{s:O}", "groups", json_object_get(o, "groups"))
                       : NULL;
    if (only)
        model_values_read(r, only, all);
    json_decref(only);
    groups = all[KEY_GROUPS];
    t->groups = groups.v;
    t->n_groups = groups.n;
}

/* An array of objects: *items gets n zeroed structs of this size, each read by `read`. */
struct section {
    const char *name;
    size_t size;
    void (*read)(struct reader *r, const json_t *o, void *item);
};

static void read_rule_item(struct reader *r, const json_t *o, void *item)
{
    read_rule(r, o, item);
}
static void read_list_item(struct reader *r, const json_t *o, void *item)
{
    read_list(r, o, item);
}
static void read_schedule_item(struct reader *r, const json_t *o, void *item)
{
    read_schedule(r, o, item);
}
static void read_test_item(struct reader *r, const json_t *o, void *item)
{
    read_test(r, o, item);
}

static void *read_section(struct reader *r, const json_t *root, const struct section *s, size_t *n)
{
    const json_t *array = reader_array(r, root, s->name);
    size_t count = json_array_size(array);
    *n = 0;
    size_t mark = reader_enter(r, s->name);
    if (count > MODEL_RULES_MAX) {
        reader_fault(r, "too-many", "At most %d.", MODEL_RULES_MAX);
        count = 0;
    }
    char *items = reader_alloc(r, count, s->size);
    for (size_t i = 0; items && i < count; i++) {
        size_t at = reader_enter_at(r, i);
        s->read(r, json_array_get(array, i), items + i * s->size);
        reader_leave(r, at);
    }
    *n = items ? count : 0;
    reader_leave(r, mark);
    return items;
}

/* Names within one section are unique. name_at: offset of the struct str inside an item. */
static void check_unique(struct reader *r, const struct section *s, const char *items, size_t n,
                         size_t name_at)
{
    struct map seen;
    map_init(&seen);
    size_t mark = reader_enter(r, s->name);
    for (size_t i = 0; i < n; i++) {
        struct str name;
        memcpy(&name, items + i * s->size + name_at, sizeof name);
        void *old = NULL;
        if (name.n && map_put(&seen, name, r, &old) != OK)
            r->is_out_of_memory = true;
        if (old) {
            size_t at = reader_enter_at(r, i);
            reader_fault(r, "double", "\"%.*s\" is there already.", STR_ARG(str_sub(name, 0, 80)));
            reader_leave(r, at);
        }
    }
    reader_leave(r, mark);
    map_fini(&seen);
}

static void read_root(struct reader *r, const json_t *root, struct model *m)
{
    static const char *const names[] = {"comment",       "identity",  "default",
                                        "pattern_limit", "schedules", "lists",
                                        "rules",         "tests",     NULL};
    static const char *const identities[] = {"when-needed", "always", "never", NULL};
    static const struct section rules = {"rules", sizeof *m->rules, read_rule_item};
    static const struct section lists = {"lists", sizeof *m->lists, read_list_item};
    static const struct section schedules = {"schedules", sizeof *m->schedules, read_schedule_item};
    static const struct section tests = {"tests", sizeof *m->tests, read_test_item};
    struct str comment;
    static const char *const limits[] = {"no-match", "block", NULL};
    int identity = SNAPSHOT_WHEN_NEEDED, limit = 0;
    reader_only(r, root, names);
    reader_string(r, root, "comment", &comment);
    reader_word(r, root, "identity", identities, &identity);
    reader_word(r, root, "pattern_limit", limits, &limit);
    m->identity = (enum snapshot_identity)identity;
    m->limit_blocks = limit == 1;
    read_default(r, root, m);
    m->schedules = read_section(r, root, &schedules, &m->n_schedules);
    m->lists = read_section(r, root, &lists, &m->n_lists);
    m->rules = read_section(r, root, &rules, &m->n_rules);
    m->tests = read_section(r, root, &tests, &m->n_tests);
    check_unique(r, &rules, (const char *)m->rules, m->n_rules, offsetof(struct model_rule, id));
    check_unique(r, &lists, (const char *)m->lists, m->n_lists, offsetof(struct model_list, name));
    check_unique(r, &schedules, (const char *)m->schedules, m->n_schedules,
                 offsetof(struct model_schedule, name));
}

static bool is_too_deep(const json_t *v, int left)
{
    if (left == 0)
        return true;
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)(uintptr_t)v, key,
                            child) if (is_too_deep(child, left - 1)) return true;
    } else {
        json_array_foreach((json_t *)(uintptr_t)v, i,
                           child) if (is_too_deep(child, left - 1)) return true;
    }
    return false;
}

enum err model_parse(struct str document, struct report *report, struct model **out)
{
    json_error_t why;
    json_t *root = json_loadb(document.p, document.n, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        report_fault(report, "", "bad-json", "Line %d, column %d: %s.", why.line, why.column,
                     why.text);
        return ERR_INVALID;
    }
    struct model *m = calloc(1, sizeof *m);
    if (!m) {
        json_decref(root);
        return ERR_NOMEM;
    }
    arena_init(&m->arena, 65536, ARENA_MAX);
    struct reader r = {.report = report, .arena = &m->arena};
    if (!json_is_object(root))
        reader_fault(&r, "wrong-type", "A policy is an object.");
    else if (is_too_deep(root, MODEL_DEPTH_MAX))
        reader_fault(&r, "too-deep", "Nested more than %d levels.", MODEL_DEPTH_MAX);
    else
        read_root(&r, root, m);
    json_decref(root);
    if (r.is_out_of_memory) {
        model_free(m);
        return ERR_NOMEM;
    }
    *out = m;
    return OK;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    arena_fini(&m->arena);
    free(m);
}

const struct model_list *model_list_named(const struct model *m, struct str name)
{
    for (size_t i = 0; i < m->n_lists; i++)
        if (str_eq(m->lists[i].name, name))
            return &m->lists[i];
    return NULL;
}
