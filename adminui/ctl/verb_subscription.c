/* verb_subscription: a subscription is named by its name or its number. */
#include "adminui/ctl/verb_subscription.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/job.h"
#include "adminui/ctl/show.h"

int verb_subscription_list(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"ID", "id"},        {"NAME", "name"},       {"CATEGORY", "category"},
        {"STATE", "state"},  {"ENTRIES", "entries"}, {"LAST GOOD", "good_at"},
        {"NEXT", "next_at"}, {"WHY", "why"},         {NULL, NULL}};
    struct client_answer a;
    bool is_done;
    int code = verbs_get(c, "/subscriptions", &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
}

int verb_subscription_add(struct ctl *c)
{
    struct client_answer a;
    json_t *body = json_pack("{s:s,s:s,s:b}", "url", c->words[0], "name",
                             c->options.name ? c->options.name : c->words[0], "allow_private",
                             (int)c->options.allow_private);
    if (c->options.category)
        json_object_set_new(body, "category", json_string(c->options.category));
    if (c->options.format)
        json_object_set_new(body, "format", json_string(c->options.format));
    struct client_ask ask = {.method = "POST", .path = "/subscriptions", .json = body};
    int code = verbs_call(c, &ask, &a);
    if (!code && c->options.json)
        verbs_print_json(&a);
    else if (!code)
        printf("subscribed: %s; it is fetched now\n",
               json_string_value(json_object_get(a.json, "name")));
    client_answer_fini(&a);
    json_decref(body);
    return code;
}

/* "/subscriptions/N" of the one that is meant; 0, or the exit code. */
static int find(struct ctl *c, char path[80], char etag[80])
{
    struct client_answer a;
    struct client_ask ask = {.method = "GET", .path = "/subscriptions"};
    long long id = 0;
    size_t i;
    const json_t *x;
    char number[24];
    int code = verbs_call(c, &ask, &a);
    json_array_foreach(json_object_get(a.json, "items"), i, x)
    {
        const char *name = json_string_value(json_object_get(x, "name"));
        long long here = (long long)json_integer_value(json_object_get(x, "id"));
        snprintf(number, sizeof number, "%lld", here);
        if ((name && strcmp(name, c->words[0]) == 0) || strcmp(number, c->words[0]) == 0)
            id = here;
    }
    client_answer_fini(&a);
    if (!code && !id)
        code = verbs_fail("there is no subscription \"%s\"", c->words[0]);
    if (code)
        return code;
    snprintf(path, 80, "/subscriptions/%lld", id);
    struct client_ask one = {.method = "GET", .path = path};
    code = verbs_call(c, &one, &a);
    snprintf(etag, 80, "%s", a.etag);
    client_answer_fini(&a);
    return code;
}

static int act(struct ctl *c, const char *action, const char *done)
{
    struct client_answer a;
    char path[80], etag[80], whole[100];
    int code = find(c, path, etag);
    if (code)
        return code;
    snprintf(whole, sizeof whole, "%s:%s", path, action);
    struct client_ask ask = {.method = "POST", .path = whole};
    code = verbs_call(c, &ask, &a);
    if (!code && c->options.json)
        verbs_print_json(&a);
    else if (!code)
        puts(done);
    client_answer_fini(&a);
    return code;
}

int verb_subscription_fetch(struct ctl *c)
{
    return act(c, "fetch", "it is fetched now; see category subscriptions");
}

int verb_subscription_reject(struct ctl *c)
{
    return act(c, "reject", "thrown away; what was live stays");
}

int verb_subscription_approve(struct ctl *c)
{
    struct client_answer job;
    char path[80], etag[80], whole[100];
    int code = find(c, path, etag);
    if (code)
        return code;
    snprintf(whole, sizeof whole, "%s:approve", path);
    struct client_ask ask = {.method = "POST", .path = whole};
    code = job_run(c, &ask, &job);
    bool is_good = !code && job_result(&job);
    if (!code && c->options.json)
        verbs_print_json(&job);
    else if (is_good)
        puts("it is live");
    client_answer_fini(&job);
    return code ? code : is_good ? 0 : 1;
}

int verb_subscription_remove(struct ctl *c)
{
    struct client_answer job;
    char path[80], etag[80];
    int code = find(c, path, etag);
    if (code)
        return code;
    struct client_ask ask = {.method = "DELETE", .path = path, .if_match = etag};
    code = job_run(c, &ask, &job);
    if (!code)
        puts("ended, and what it brought is removed");
    client_answer_fini(&job);
    return code;
}
