/* exception_rule: trees in, trees out. */
#include "adminui/exception_rule.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "db/event_filter.h"

static const char *text_of(const json_t *o, const char *name)
{
    const char *z = json_string_value(json_object_get(o, name));
    return z ? z : "";
}

json_t *exception_rule_find(const json_t *document, struct str id)
{
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(document, "rules"), i, rule)
    {
        if (str_eq(str_of(text_of(rule, "id")), id))
            return rule;
    }
    return NULL;
}

bool exception_rule_is(const json_t *rule)
{
    return str_starts(str_of(text_of(rule, "id")), STR(EXCEPTION_PREFIX)) ||
           json_is_string(json_object_get(rule, "expires_at"));
}

int64_t exception_rule_end(const json_t *rule)
{
    int64_t end = 0;
    struct str text = str_of(text_of(rule, "expires_at"));
    return text.n && event_filter_time(text, 0, &end) == OK ? end : 0;
}

/* --- making ------------------------------------------------------------------------------------
 */

static void make_id(const struct exception_ask *x, const json_t *document, char out[64])
{
    struct tm t;
    char at[20];
    time_t s = (time_t)(x->now_ms / 1000);
    gmtime_r(&s, &t);
    strftime(at, sizeof at, "%Y%m%d-%H%M%S", &t);
    snprintf(out, 64, EXCEPTION_PREFIX "%s", at);
    for (int i = 2; exception_rule_find(document, str_of(out)); i++)
        snprintf(out, 64, EXCEPTION_PREFIX "%s-%d", at, i);
}

static json_t *one(struct str text)
{
    json_t *list = json_array();
    json_array_append_new(list, json_stringn(text.p, text.n));
    return list;
}

static struct str target(const struct exception_ask *x, const char **key)
{
    *key = x->host.n ? "hosts" : x->pattern.n ? "url_patterns" : "categories";
    return x->host.n ? x->host : x->pattern.n ? x->pattern : x->category;
}

json_t *exception_rule_make(const struct exception_ask *x, const json_t *document)
{
    char id[64], until[CLOCK_RFC3339_BYTES], name[160];
    const char *key;
    struct str what = target(x, &key);
    json_t *when = json_object();
    make_id(x, document, id);
    clock_format_rfc3339(x->until_ms, until);
    snprintf(name, sizeof name, "Exception: %.*s", STR_ARG(str_sub(what, 0, 100)));
    json_object_set_new(when, key, one(what));
    if (x->who)
        json_object_set(when, x->who, x->names);
    return json_pack("{s:s,s:s%,s:b,s:b,s:o,s:{},s:s,s:s%,s:s%,s:s}", "id", id, "name", name,
                     strlen(name), "enabled", 1, "shadow", 0, "when", when, "unless", "action",
                     "allow", "owner", x->owner.p, x->owner.n, "comment", x->reason.p, x->reason.n,
                     "expires_at", until);
}

/* --- its place ---------------------------------------------------------------------------------
 */

static bool is_default_allow(const json_t *document)
{
    const json_t *d = json_object_get(document, "default");
    return strcmp(text_of(d, "action"), "allow") == 0;
}

/* Behind all rules, when the default is what is in the way. */
static long before_default(const json_t *document)
{
    if (is_default_allow(document))
        return -1;
    return (long)json_array_size(json_object_get(document, "rules"));
}

static bool may_refuse(const json_t *rule)
{
    return !json_is_false(json_object_get(rule, "enabled")) &&
           !json_is_true(json_object_get(rule, "shadow")) &&
           strcmp(text_of(rule, "action"), "allow") != 0;
}

long exception_rule_place(const json_t *explained, const json_t *document)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(explained, "trace"), i, row)
    {
        const char *fit = text_of(row, "fit");
        bool is_no = strcmp(fit, "no") == 0;
        if (!is_no && may_refuse(row))
            return (long)i;
        bool is_sure = strcmp(fit, "yes") == 0 && !json_is_false(json_object_get(row, "enabled")) &&
                       !json_is_true(json_object_get(row, "shadow"));
        if (is_sure)
            return -1; /* an allow that certainly decides comes first */
    }
    return before_default(document);
}

static bool names(const json_t *when, const char *key, struct str value)
{
    size_t i;
    const json_t *v;
    json_array_foreach(json_object_get(when, key), i, v)
    {
        if (str_eq(str_of(json_string_value(v)), value))
            return true;
    }
    return false;
}

long exception_rule_place_category(struct str category, const json_t *document)
{
    static const char *const narrow[] = {"categories", "hosts", "url_patterns", "lists"};
    size_t i;
    const json_t *rule;
    json_array_foreach(json_object_get(document, "rules"), i, rule)
    {
        const json_t *when = json_object_get(rule, "when");
        bool is_wide = true;
        for (size_t k = 0; k < sizeof narrow / sizeof *narrow; k++)
            is_wide = is_wide && !json_object_get(when, narrow[k]);
        if (may_refuse(rule) && (is_wide || names(when, "categories", category)))
            return (long)i;
    }
    return before_default(document);
}

/* --- the draft ---------------------------------------------------------------------------------
 */

static size_t index_of(const json_t *document, struct str id)
{
    size_t i;
    const json_t *rule, *rules = json_object_get(document, "rules");
    json_array_foreach(rules, i, rule)
    {
        if (str_eq(str_of(text_of(rule, "id")), id))
            break;
    }
    return i < json_array_size(rules) ? i : json_array_size(rules);
}

/* Before the first of the rules behind it that the draft has too; else at the end. */
static size_t place_in(const json_t *draft, const json_t *after, size_t at)
{
    const json_t *rules = json_object_get(after, "rules");
    size_t n = json_array_size(json_object_get(draft, "rules"));
    for (size_t i = at + 1; i < json_array_size(rules); i++) {
        size_t to = index_of(draft, str_of(text_of(json_array_get(rules, i), "id")));
        if (to < n)
            return to;
    }
    return n;
}

enum err exception_rule_follow(json_t *draft, const json_t *before, const json_t *after)
{
    size_t i;
    json_t *rule, *mine = json_object_get(draft, "rules");
    if (!json_is_array(mine)) {
        json_object_set_new(draft, "rules", json_array());
        mine = json_object_get(draft, "rules");
    }
    json_array_foreach(json_object_get(after, "rules"), i, rule)
    {
        struct str id = str_of(text_of(rule, "id"));
        const json_t *was = exception_rule_find(before, id);
        size_t at = index_of(draft, id);
        if (was && json_equal(was, rule))
            continue;
        int bad =
            at < json_array_size(mine)
                ? json_array_set_new(mine, at, json_deep_copy(rule))
                : json_array_insert_new(mine, place_in(draft, after, i), json_deep_copy(rule));
        if (bad)
            return ERR_NOMEM;
    }
    return OK;
}

/* --- words -------------------------------------------------------------------------------------
 */

static void add_names(struct buf *b, const json_t *when, const char *key, const char *word)
{
    size_t i;
    const json_t *v;
    json_array_foreach(json_object_get(when, key), i, v)
    {
        buf_addf(b, "%s%s", i ? ", " : word, json_string_value(v) ? json_string_value(v) : "");
    }
}

struct str exception_rule_sentence(struct arena *a, const json_t *rule, const json_t *follower)
{
    struct buf b;
    const json_t *when = json_object_get(rule, "when");
    const char *until = text_of(rule, "expires_at");
    buf_init(&b, 64 << 10);
    buf_add_z(&b, "Allows");
    add_names(&b, when, "hosts", " ");
    add_names(&b, when, "url_patterns", " addresses like ");
    add_names(&b, when, "categories", " the category ");
    size_t n = b.n;
    add_names(&b, when, "users", " for ");
    add_names(&b, when, "groups", " for the group ");
    add_names(&b, when, "networks", " for the network ");
    if (b.n == n)
        buf_add_z(&b, " for everybody");
    if (*until)
        buf_addf(&b, " until %s", until);
    if (follower)
        buf_addf(&b, ", before the rule \"%s\"", text_of(follower, "name"));
    buf_add_c(&b, '.');
    struct str out = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return out;
}
