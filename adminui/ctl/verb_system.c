/* verb_system: state, PAC and figures. */
#include "adminui/ctl/verb_system.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/show.h"
#include "adminui/ctl/verbs.h"

int verb_system_status(struct ctl *c)
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
    struct client_answer a;
    size_t i;
    const json_t *w;
    bool is_done;
    int code = verbs_get(c, "/status", &a, &is_done);
    if (!is_done) {
        show_object(a.json, columns);
        json_array_foreach(json_object_get(a.json, "warnings"), i, w)
        {
            fputs("warning: ", stdout);
            show_value(stdout, json_object_get(w, "message"));
            fputc('\n', stdout);
        }
    }
    client_answer_fini(&a);
    return code;
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
    struct client_answer a;
    struct buf path;
    bool is_done;
    buf_init(&path, 1000);
    buf_add_z(&path, "/limits/clients");
    verbs_query(c, &path, "limit", c->options.limit);
    buf_add_c(&path, 0);
    int code = verbs_get(c, path.p, &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    buf_fini(&path);
    return code;
}

int verb_system_upstreams(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"GROUP", "group"},       {"ADDRESS", "address"},   {"STATE", "state"}, {"SINCE", "since"},
        {"REQUESTS", "requests"}, {"FAILURES", "failures"}, {"WHY", "error"},   {NULL, NULL}};
    struct client_answer a;
    bool is_done;
    int code = verbs_get(c, "/upstreams", &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
}

int verb_system_privacy_show(struct ctl *c)
{
    static const struct show_column columns[] = {{"LISTENER", "listener"},
                                                 {"PRIVACY", "privacy"},
                                                 {"REFERER", "referer"},
                                                 {"SAID BY", "said_by"},
                                                 {NULL, NULL}};
    struct client_answer a;
    bool is_done;
    int code = verbs_get(c, "/listeners", &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
}

static void show_privacy(const json_t *j)
{
    static const struct show_column head[] = {
        {"listener", "listener"},     {"privacy", "privacy"},
        {"said by", "said_by"},       {"client was", "client"},
        {"the server saw", "source"}, {"fields in order", "in_order"},
        {"promise is kept", "kept"},  {NULL, NULL}};
    static const struct show_column fields[] = {{"FIELD", "field"},   {"SENT", "sent"},
                                                {"SEEN", "seen"},     {"TELLS", "tells"},
                                                {"BREAKS", "breaks"}, {NULL, NULL}};
    static const struct show_column answer[] = {{"ADDED TO THE ANSWER", "field"},
                                                {"VALUE", "value"},
                                                {"TELLS", "tells"},
                                                {"BREAKS", "breaks"},
                                                {NULL, NULL}};
    show_object(j, head);
    show_table(json_object_get(j, "items"), fields);
    if (json_array_size(json_object_get(j, "answer")))
        show_table(json_object_get(j, "answer"), answer);
}

int verb_system_privacy_test(struct ctl *c)
{
    struct client_answer a;
    json_t *body = json_object();
    if (c->options.listener)
        json_object_set_new(body, "listener", json_string(c->options.listener));
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
    struct buf path;
    buf_init(&path, 1000);
    buf_add_z(&path, "/pac/file");
    verbs_query(c, &path, "client", c->options.client);
    buf_add_c(&path, 0);
    struct client_ask ask = {.method = "GET", .path = path.p};
    int code = verbs_call(c, &ask, &a);
    if (!code)
        fwrite(a.body.p ? a.body.p : "", 1, a.body.n, stdout);
    client_answer_fini(&a);
    buf_fini(&path);
    return code;
}

int verb_system_pac_test(struct ctl *c)
{
    static const struct show_column columns[] = {{"result", "result"},   {"reason", "reason"},
                                                 {"matched", "matched"}, {"route", "route"},
                                                 {"profile", "profile"}, {NULL, NULL}};
    struct client_answer a;
    json_t *body = json_pack("{s:s}", "url", c->words[0]);
    if (c->options.client)
        json_object_set_new(body, "client", json_string(c->options.client));
    struct client_ask ask = {.method = "POST", .path = "/pac:test", .json = body};
    int code = verbs_call(c, &ask, &a);
    if (!code && c->options.json)
        verbs_print_json(&a);
    else if (!code)
        show_object(a.json, columns);
    client_answer_fini(&a);
    json_decref(body);
    return code;
}

static void print_report(const json_t *report, bool is_overview)
{
    static const struct show_column tops[] = {{"NAME", "title"},          {"REQUESTS", "requests"},
                                              {"BLOCKED", "blocked"},     {"BYTES IN", "bytes_in"},
                                              {"BYTES OUT", "bytes_out"}, {NULL, NULL}};
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
    if (is_overview)
        show_object(report, totals);
    else
        show_table(json_object_get(report, "items"), tops);
}

int verb_system_report(struct ctl *c)
{
    struct client_answer a;
    struct buf path;
    bool is_done;
    buf_init(&path, 4096);
    buf_add_z(&path, "/reports/");
    client_encode(&c->client, &path, c->words[0]);
    verbs_query(c, &path, "from", c->options.from);
    verbs_query(c, &path, "to", c->options.to);
    verbs_query(c, &path, "limit", c->options.limit);
    verbs_query(c, &path, "sort", c->options.sort);
    buf_add_c(&path, 0);
    int code = verbs_get(c, path.p, &a, &is_done);
    if (!is_done)
        print_report(a.json, strcmp(c->words[0], "overview") == 0);
    client_answer_fini(&a);
    buf_fini(&path);
    return code;
}
