/* verb_change: one call each. */
#include "adminui/ctl/verb_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the body of a publication -----------------------------------------------------------------
 */

/* "groups=a,b users=c networks=10.1.0.0/16", parts apart by space or semicolon. */
static json_t *read_scope(const char *text)
{
    json_t *scope = json_object();
    struct str rest = str_of(text), part;
    while (str_split(&rest, strchr(text, ';') ? ';' : ' ', &part)) {
        struct str values = str_trim(part), name, one;
        if (!values.n)
            continue;
        str_split(&values, '=', &name);
        bool is_known = str_eq(name, STR("groups")) || str_eq(name, STR("users")) ||
                        str_eq(name, STR("networks"));
        json_t *list = json_array();
        while (str_split(&values, ',', &one))
            if (one.n)
                json_array_append_new(list, json_stringn(one.p, one.n));
        if (!is_known || json_array_size(list) == 0) {
            json_decref(list);
            json_decref(scope);
            verbs_fail("--canary is such as \"groups=it,pilots users=alice networks=10.1.0.0/16\"");
            return NULL;
        }
        json_object_set_new(scope,
                            name.p[0] == 'g'   ? "groups"
                            : name.p[0] == 'u' ? "users"
                                               : "networks",
                            list);
    }
    return scope;
}

json_t *verb_change_body(const struct options *o)
{
    json_t *body = json_object();
    verbs_set(body, "comment", o->comment);
    verbs_set(body, "at", o->at);
    verbs_set(body, "reason", o->reason);
    if (o->force)
        json_object_set_new(body, "force", json_true());
    if (o->emergency)
        json_object_set_new(body, "emergency", json_true());
    if (o->unwatched)
        json_object_set_new(body, "watch", json_false());
    if (!o->canary)
        return body;
    json_t *scope = read_scope(o->canary);
    if (!scope) {
        json_decref(body);
        return NULL;
    }
    if (o->minutes)
        json_object_set_new(scope, "minutes", json_real(strtod(o->minutes, NULL)));
    json_object_set_new(body, "canary", scope);
    return body;
}

/* --- what waits --------------------------------------------------------------------------------
 */

static void print_change(const json_t *x)
{
    static const struct show_column columns[] = {{"change", "id"},
                                                 {"kind", "kind"},
                                                 {"state", "state"},
                                                 {"asked by", "created_by"},
                                                 {"asked at", "created_at"},
                                                 {"comment", "comment"},
                                                 {"reason", "reason"},
                                                 {"due at", "publish_at"},
                                                 {"made for version", "base_version"},
                                                 {"version", "version"},
                                                 {"ends at", "canary/until"},
                                                 {"message", "message"},
                                                 {NULL, NULL}};
    show_object(x, columns);
}

static void print_one(const json_t *x)
{
    static const struct show_column columns[] = {
        {"CHANGE", "op"}, {"KIND", "kind"}, {"ID", "id"}, {"NAME", "name"}, {NULL, NULL}};
    print_change(x);
    show_table(json_object_get(x, "changes"), columns);
}

int verb_change_list(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"CHANGE", "id"},       {"KIND", "kind"},       {"STATE", "state"},
        {"BY", "created_by"},   {"DUE", "publish_at"},  {"VERSION", "version"},
        {"COMMENT", "comment"}, {"MESSAGE", "message"}, {NULL, NULL}};
    char path[64];
    snprintf(path, sizeof path, "/policy/pending/%.20s", c->n_words ? c->words[0] : "");
    if (c->n_words)
        return verbs_get(c, path, print_one);
    return verbs_list(c, c->options.all ? "/policy/pending?state=all" : "/policy/pending", columns);
}

static int say(struct ctl *c, const char *verb)
{
    char path[80];
    json_t *body = json_object();
    verbs_set(body, "comment", c->options.comment);
    snprintf(path, sizeof path, "/policy/pending/%.20s:%s", c->words[0], verb);
    return verbs_post(c, path, body, print_change);
}

int verb_change_approve(struct ctl *c)
{
    return say(c, "approve");
}

int verb_change_reject(struct ctl *c)
{
    return say(c, "reject");
}

int verb_change_promote(struct ctl *c)
{
    return say(c, "promote");
}

int verb_change_abort(struct ctl *c)
{
    return say(c, "abort");
}

int verb_change_cancel(struct ctl *c)
{
    return say(c, "cancel");
}

/* --- figures -----------------------------------------------------------------------------------
 */

static void print_watch(const json_t *x)
{
    static const struct show_column columns[] = {{"published last", "version"},
                                                 {"before", "previous"},
                                                 {"watch", "state"},
                                                 {"until", "until"},
                                                 {"requests", "now/requests"},
                                                 {"blocked", "now/block_rate"},
                                                 {"  expected", "expected/block_rate"},
                                                 {"failed", "now/error_rate"},
                                                 {"  expected ", "expected/error_rate"},
                                                 {"message", "message"},
                                                 {"on trial", "canary/version"},
                                                 {"pending changes", "n_pending"},
                                                 {NULL, NULL}};
    show_object(x, columns);
}

int verb_change_watch(struct ctl *c)
{
    return verbs_get(c, "/policy/watch", print_watch);
}

int verb_change_usage(struct ctl *c)
{
    static const struct show_column columns[] = {{"RULE", "rule"},        {"NAME", "name"},
                                                 {"HITS", "hits"},        {"BLOCKED", "blocked"},
                                                 {"LAST", "last_hit_at"}, {NULL, NULL}};
    char path[60];
    snprintf(path, sizeof path, "/policy/rules/usage?days=%.10s",
             c->options.days ? c->options.days : "30");
    return verbs_list(c, path, columns);
}

/* --- exceptions --------------------------------------------------------------------------------
 */

static json_t *list_of(const char *text)
{
    json_t *list = json_array();
    struct str rest = str_of(text), one;
    while (str_split(&rest, ',', &one))
        if (one.n)
            json_array_append_new(list, json_stringn(one.p, one.n));
    return list;
}

static json_t *whom(const struct options *o)
{
    json_t *w = json_object();
    if (o->user)
        json_object_set_new(w, "users", list_of(o->user));
    if (o->groups)
        json_object_set_new(w, "groups", list_of(o->groups));
    if (o->client)
        json_object_set_new(w, "networks", list_of(o->client));
    if (json_object_size(w) == 0)
        json_object_set_new(w, "everybody", json_true());
    return w;
}

/* The word is a record's number, a URL, or a host. */
static json_t *exception_body(const struct ctl *c)
{
    const struct options *o = &c->options;
    const char *word = c->words[0];
    uint64_t number;
    json_t *body = json_object();
    const char *kind = str_to_u64(str_of(word), INT64_MAX, &number) == OK ? "record"
                       : str_starts(str_of(word), STR("http")) &&
                               str_find_str(str_of(word), STR("://")) != STR_NPOS
                           ? "url"
                       : str_starts(str_of(word), STR("category:")) ? "category"
                                                                    : "host";
    verbs_set(body, kind, kind[0] == 'c' ? word + 9 : word);
    verbs_set(body, "reason", o->reason);
    verbs_set(body, "until", o->at);
    json_object_set_new(body, "for", whom(o));
    if (o->minutes)
        json_object_set_new(body, "minutes", json_integer(strtoll(o->minutes, NULL, 10)));
    if (o->publish)
        json_object_set_new(body, "publish", json_true());
    if (o->dry_run)
        json_object_set_new(body, "dry_run", json_true());
    return body;
}

static void print_exception(const json_t *x)
{
    static const struct show_column columns[] = {{"exception", "id"},
                                                 {"what", "sentence"},
                                                 {"version", "version"},
                                                 {"change that waits", "pending"},
                                                 {"message", "message"},
                                                 {"newly allowed", "radius/newly_allowed"},
                                                 {"of requests", "radius/records"},
                                                 {NULL, NULL}};
    static const struct show_column people[] = {
        {"PERSON", "name"}, {"REQUESTS", "n"}, {NULL, NULL}};
    const json_t *who = json_object_get(json_object_get(x, "radius"), "people");
    show_object(x, columns);
    if (json_array_size(who))
        show_table(who, people);
}

int verb_change_except(struct ctl *c)
{
    return verbs_post(c, "/policy/exceptions", exception_body(c), print_exception);
}

int verb_change_exceptions(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"EXCEPTION", "id"},    {"NAME", "name"},
        {"STATE", "state"},     {"OWNER", "owner"},
        {"ENDS", "expires_at"}, {"LAST HIT", "last_hit_at"},
        {"REASON", "reason"},   {NULL, NULL}};
    return verbs_list(c, "/policy/exceptions", columns);
}
