/* verb_system: state, PAC and figures. */
#include "adminui/ctl/verb_system.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/verbs.h"

static void print_status(const json_t *j)
{
    static const struct show_column columns[] = {{"proxyd", "proxyd/running"},
                                                 {"  why", "proxyd/message"},
                                                 {"  policy it runs", "policy/running_version"},
                                                 {"live policy", "policy/live_version"},
                                                 {"  published", "policy/published_at"},
                                                 {"  by", "policy/published_by"},
                                                 {"  comment", "policy/comment"},
                                                 {"draft changed", "policy/draft_changed"},
                                                 {"category index", "index/state"},
                                                 {"  entries", "index/entries"},
                                                 {"adminui", "adminui/version"},
                                                 {"  up (ms)", "adminui/uptime_ms"},
                                                 {NULL, NULL}};
    size_t i;
    const json_t *w;
    show_object(j, columns);
    json_array_foreach(json_object_get(j, "warnings"), i, w)
    {
        fputs("warning: ", stdout);
        show_value(stdout, json_object_get(w, "message"));
        fputc('\n', stdout);
    }
}

int verb_system_status(struct ctl *c)
{
    return verbs_get(c, "/status", print_status);
}

int verb_system_limits(struct ctl *c)
{
    static const struct show_column columns[] = {{"KIND", "kind"},
                                                 {"NAME", "name"},
                                                 {"CLASS", "class"},
                                                 {"LOAD", "load"},
                                                 {"CONNECTIONS", "connections"},
                                                 {"REQUESTS", "requests"},
                                                 {"TUNNELS", "tunnels"},
                                                 {"A SECOND", "requests_per_second"},
                                                 {"REFUSED", "refused"},
                                                 {"DELAYED", "delayed"},
                                                 {NULL, NULL}};
    verbs_path(c, "/limits/clients");
    return verbs_list(c, verbs_query(c, "limit", c->options.limit), columns);
}

int verb_system_upstreams(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"GROUP", "group"},       {"ADDRESS", "address"},   {"STATE", "state"}, {"SINCE", "since"},
        {"REQUESTS", "requests"}, {"FAILURES", "failures"}, {"WHY", "error"},   {NULL, NULL}};
    return verbs_list(c, "/upstreams", columns);
}

int verb_system_privacy_show(struct ctl *c)
{
    static const struct show_column columns[] = {{"LISTENER", "listener"},
                                                 {"PRIVACY", "privacy"},
                                                 {"REFERER", "referer"},
                                                 {"SAID BY", "said_by"},
                                                 {NULL, NULL}};
    return verbs_list(c, "/listeners", columns);
}

static void show_privacy(const json_t *j)
{
    static const struct show_column head[] = {
        {"listener", "listener"},     {"privacy", "privacy"},
        {"said by", "said_by"},       {"client was", "client"},
        {"the server saw", "source"}, {"fields in order", "in_order"},
        {"promise is kept", "kept"},  {"request", "request"},
        {"PROXY line", "proxy_line"}, {NULL, NULL}};
    static const struct show_column fields[] = {{"FIELD", "field"},   {"SENT", "sent"},
                                                {"SEEN", "seen"},     {"TELLS", "tells"},
                                                {"BREAKS", "breaks"}, {NULL, NULL}};
    static const struct show_column answer[] = {{"ADDED TO THE ANSWER", "field"},
                                                {"VALUE", "value"},
                                                {"TELLS", "tells"},
                                                {"BREAKS", "breaks"},
                                                {NULL, NULL}};
    const json_t *more;
    size_t i;
    show_object(j, head);
    show_table(json_object_get(j, "items"), fields);
    if (json_array_size(json_object_get(j, "answer")))
        show_table(json_object_get(j, "answer"), answer);
    json_array_foreach(json_object_get(j, "also"), i, more) show_privacy(more);
}

int verb_system_privacy_test(struct ctl *c)
{
    struct client_answer a;
    json_t *body = json_object();
    verbs_set(body, "listener", c->options.listener);
    struct client_ask ask = {.method = "POST", .path = "/listeners:privacy-test", .json = body};
    int code = verbs_call(c, &ask, &a);
    json_decref(body);
    if (code == 0 && c->options.json)
        verbs_print_json(&a);
    else if (code == 0)
        show_privacy(a.json);
    if (code == 0 && !json_is_true(json_object_get(a.json, "kept")))
        code = 2;
    client_answer_fini(&a);
    return code;
}

int verb_system_pac_show(struct ctl *c)
{
    struct client_answer a;
    verbs_path(c, "/pac/file");
    struct client_ask ask = {.method = "GET", .path = verbs_query(c, "client", c->options.client)};
    int code = verbs_call(c, &ask, &a);
    if (!code)
        fwrite(a.body.p ? a.body.p : "", 1, a.body.n, stdout);
    client_answer_fini(&a);
    return code;
}

static void print_route(const json_t *j)
{
    static const struct show_column columns[] = {{"result", "result"},   {"reason", "reason"},
                                                 {"matched", "matched"}, {"route", "route"},
                                                 {"profile", "profile"}, {NULL, NULL}};
    show_object(j, columns);
}

int verb_system_pac_test(struct ctl *c)
{
    json_t *body = json_object();
    verbs_set(body, "url", c->words[0]);
    verbs_set(body, "client", c->options.client);
    return verbs_post(c, "/pac:test", body, print_route);
}

static void print_overview(const json_t *report)
{
    static const struct show_column totals[] = {{"from", "from"},
                                                {"to", "to"},
                                                {"requests", "totals/requests"},
                                                {"allowed", "totals/allowed"},
                                                {"blocked", "totals/blocked"},
                                                {"warned", "totals/warned"},
                                                {"denied_auth", "totals/denied_auth"},
                                                {"refused", "totals/refused"},
                                                {"error", "totals/error"},
                                                {"bytes in", "totals/bytes_in"},
                                                {"bytes out", "totals/bytes_out"},
                                                {"users", "totals/users"},
                                                {"p50 ms", "totals/p50_ms"},
                                                {"p95 ms", "totals/p95_ms"},
                                                {NULL, NULL}};
    show_object(report, totals);
}

int verb_system_report(struct ctl *c)
{
    static const struct show_column tops[] = {{"NAME", "title"},          {"REQUESTS", "requests"},
                                              {"BLOCKED", "blocked"},     {"BYTES IN", "bytes_in"},
                                              {"BYTES OUT", "bytes_out"}, {NULL, NULL}};
    verbs_path(c, "/reports/");
    verbs_word(c, c->words[0], "");
    verbs_query(c, "from", c->options.from);
    verbs_query(c, "to", c->options.to);
    verbs_query(c, "limit", c->options.limit);
    const char *path = verbs_query(c, "sort", c->options.sort);
    return strcmp(c->words[0], "overview") == 0 ? verbs_get(c, path, print_overview)
                                                : verbs_list(c, path, tops);
}
