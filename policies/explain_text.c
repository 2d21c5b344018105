/* explain_text: one row of words a key. */
#include "policies/explain_text.h"

#define VALUE_SHOWN 200 /* bytes */

static const struct {
    const char *who, *is, *is_none, *none, *were, *were_not;
} words[MODEL_N_KEYS] = {
    [KEY_USERS] = {"the user", "is", "is not", "people", "were", "were not"},
    [KEY_GROUPS] = {"the user", "is in the group", "is not in the group", "groups",
                    "were in the group", "were not in the group"},
    [KEY_NETWORKS] = {"the client's address", "is in the network", "is not in the network",
                      "networks", "were in the network", "were not in the network"},
    [KEY_LISTENERS] = {"the request", "came in at", "did not come in at", "listeners",
                       "had come in at", "had not come in at"},
    [KEY_SCHEDULES] = {"the time", "is inside the schedule", "is outside the schedule", "schedules",
                       "were inside the schedule", "were outside the schedule"},
    [KEY_SCHEMES] = {"the scheme", "is", "is not", "schemes", "were", "were not"},
    [KEY_METHODS] = {"the method", "is", "is not", "methods", "were", "were not"},
    [KEY_PORTS] = {"the port", "is", "is not", "ports", "were", "were not"},
    [KEY_HOSTS] = {"the host", "is or is below", "is not below", "hosts", "were below",
                   "were not below"},
    [KEY_URL_PATTERNS] = {"the URL", "matches the pattern", "does not match the pattern",
                          "patterns", "matched the pattern", "did not match the pattern"},
    [KEY_CATEGORIES] = {"the site", "is in the category", "is not in the category", "categories",
                        "were in the category", "were not in the category"},
    [KEY_LISTS] = {"the request", "is on the list", "is not on the list", "lists",
                   "were on the list", "were not on the list"},
    [KEY_CONTENT_TYPES] = {"the content type", "is", "is not", "types", "were", "were not"},
    [KEY_EXTENSIONS] = {"the file name", "ends in", "does not end in", "endings", "ended in",
                        "did not end in"},
    [KEY_USER_AGENTS] = {"the browser's name", "has", "does not have", "names", "had",
                         "did not have"},
    [KEY_MIN_BYTES] = {"the size", "reaches", "is not told, or does not reach", "sizes", "reached",
                       "did not reach"},
    [KEY_MAX_BYTES] = {"the size", "is at most", "is not told, or is more than", "sizes",
                       "were at most", "were more than"},
    [KEY_SERVER_NETWORKS] = {"the server's address", "is in the network", "is not in the network",
                             "networks", "were in the network", "were not in the network"},
};

static struct str shown(struct str s)
{
    return str_sub(s, 0, VALUE_SHOWN);
}

static bool is_by_entry(enum model_key key)
{
    return key == KEY_LISTS || key == KEY_CATEGORIES;
}

static void add_yes(struct buf *out, const struct rule_condition *c,
                    const struct explain_evidence *e)
{
    buf_addf(out, "%s %s %.*s", words[c->key].who, words[c->key].is, STR_ARG(shown(c->value)));
    if (e->entry.n && is_by_entry(c->key))
        buf_addf(out, " (by its entry %.*s)", STR_ARG(shown(e->entry)));
    if (e->path.n && str_find(e->path, '<') != STR_NPOS)
        buf_addf(out, " (by way of %.*s)", STR_ARG(shown(e->path)));
}

void explain_text_condition(struct buf *out, const struct model_rule *r,
                            const struct rule_condition *c, const struct explain_evidence *e)
{
    const struct model_values *v = &r->cond[c->side][c->key];
    switch (c->fit) {
    case RULE_YES: add_yes(out, c, e); break;
    case RULE_UNKNOWN: buf_addf(out, "%s is not known yet", explain_text_stage(c->needs)); break;
    case RULE_NO:
        if (v->n == 1)
            buf_addf(out, "%s %s %.*s", words[c->key].who, words[c->key].is_none,
                     STR_ARG(shown(v->v[0])));
        else
            buf_addf(out, "%s %s any of the %zu %s named", words[c->key].who, words[c->key].is_none,
                     v->n, words[c->key].none);
        break;
    }
}

void explain_text_otherwise(struct buf *out, const struct model_rule *r,
                            const struct rule_condition *c)
{
    const struct model_values *v = &r->cond[c->side][c->key];
    bool would_fit = c->fit == RULE_NO;
    struct str value = would_fit ? v->v[0] : c->value;
    buf_addf(out, "%s %s %.*s", words[c->key].who,
             would_fit ? words[c->key].were : words[c->key].were_not, STR_ARG(shown(value)));
    if (v->n > 1)
        buf_addf(out, would_fit ? " or one of %zu more" : " nor any of the %zu others named",
                 v->n - 1);
}

const char *explain_text_done(enum verdict_action a)
{
    static const char *const done[] = {"Allowed", "Blocked", "Answered with a warning",
                                       "Sent to another address",
                                       "Blocked unless the user gives a reason"};
    return done[a];
}

const char *explain_text_would(enum verdict_action a)
{
    static const char *const would[] = {"allowed", "blocked", "answered with a warning",
                                        "sent to another address",
                                        "blocked unless the user gives a reason"};
    return would[a];
}

const char *explain_text_stage(enum facts_stage s)
{
    static const char *const stages[] = {
        "where the request comes from", "where the request goes", "who asks",
        "the server's address",         "the full URL",           "the server's answer",
        "the content of the answer"};
    return stages[s];
}
