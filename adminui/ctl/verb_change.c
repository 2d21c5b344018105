/* verb_change: one call each. */
#include "adminui/ctl/verb_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/ctl/show.h"

/* --- the body of a publication -----------------------------------------------------------------
 */

static void set_text(json_t *body, const char *name, const char *text)
{
    if (text)
        json_object_set_new(body, name, json_string(text));
}

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
    set_text(body, "comment", o->comment);
    set_text(body, "at", o->at);
    set_text(body, "reason", o->reason);
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

static int show_one(struct ctl *c)
{
    char path[64];
    struct client_answer a;
    bool is_done;
    snprintf(path, sizeof path, "/policy/pending/%.20s", c->words[0]);
    int code = verbs_get(c, path, &a, &is_done);
    if (!is_done) {
        static const struct show_column columns[] = {
            {"CHANGE", "op"}, {"KIND", "kind"}, {"ID", "id"}, {"NAME", "name"}, {NULL, NULL}};
        print_change(a.json);
        show_table(json_object_get(a.json, "changes"), columns);
    }
    client_answer_fini(&a);
    return code;
}

int verb_change_list(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"CHANGE", "id"},       {"KIND", "kind"},       {"STATE", "state"},
        {"BY", "created_by"},   {"DUE", "publish_at"},  {"VERSION", "version"},
        {"COMMENT", "comment"}, {"MESSAGE", "message"}, {NULL, NULL}};
    struct client_answer a;
    bool is_done;
    if (c->n_words)
        return show_one(c);
    int code = verbs_get(c, c->options.all ? "/policy/pending?state=all" : "/policy/pending", &a,
                         &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
}

static int say(struct ctl *c, const char *verb)
{
    char path[80];
    struct client_answer a;
    json_t *body = json_object();
    set_text(body, "comment", c->options.comment);
    snprintf(path, sizeof path, "/policy/pending/%.20s:%s", c->words[0], verb);
    struct client_ask ask = {.method = "POST", .path = path, .json = body};
    int code = verbs_call(c, &ask, &a);
    if (!code && c->options.json)
        verbs_print_json(&a);
    else if (!code)
        print_change(a.json);
    client_answer_fini(&a);
    json_decref(body);
    return code;
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

int verb_change_watch(struct ctl *c)
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
    struct client_answer a;
    bool is_done;
    int code = verbs_get(c, "/policy/watch", &a, &is_done);
    if (!is_done)
        show_object(a.json, columns);
    client_answer_fini(&a);
    return code;
}

int verb_change_usage(struct ctl *c)
{
    static const struct show_column columns[] = {{"RULE", "rule"},        {"NAME", "name"},
                                                 {"HITS", "hits"},        {"BLOCKED", "blocked"},
                                                 {"LAST", "last_hit_at"}, {NULL, NULL}};
    struct client_answer a;
    char path[60];
    bool is_done;
    snprintf(path, sizeof path, "/policy/rules/usage?days=%.10s",
             c->options.days ? c->options.days : "30");
    int code = verbs_get(c, path, &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
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
    set_text(body, kind, kind[0] == 'c' ? word + 9 : word);
    set_text(body, "reason", o->reason);
    set_text(body, "until", o->at);
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
    struct client_answer a;
    json_t *body = exception_body(c);
    struct client_ask ask = {.method = "POST", .path = "/policy/exceptions", .json = body};
    int code = verbs_call(c, &ask, &a);
    if (!code && c->options.json)
        verbs_print_json(&a);
    else if (!code)
        print_exception(a.json);
    client_answer_fini(&a);
    json_decref(body);
    return code;
}

int verb_change_exceptions(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"EXCEPTION", "id"},    {"NAME", "name"},
        {"STATE", "state"},     {"OWNER", "owner"},
        {"ENDS", "expires_at"}, {"LAST HIT", "last_hit_at"},
        {"REASON", "reason"},   {NULL, NULL}};
    struct client_answer a;
    bool is_done;
    int code = verbs_get(c, "/policy/exceptions", &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
}
