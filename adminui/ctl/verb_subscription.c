/* verb_subscription: a subscription is named by its name or its number. */
#include "adminui/ctl/verb_subscription.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/job.h"

int verb_subscription_list(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"ID", "id"},        {"NAME", "name"},       {"CATEGORY", "category"},
        {"STATE", "state"},  {"ENTRIES", "entries"}, {"LAST GOOD", "good_at"},
        {"NEXT", "next_at"}, {"WHY", "why"},         {NULL, NULL}};
    return verbs_list(c, "/subscriptions", columns);
}

static void print_added(const json_t *x)
{
    printf("subscribed: %s; it is fetched now\n", json_string_value(json_object_get(x, "name")));
}

int verb_subscription_add(struct ctl *c)
{
    const struct options *o = &c->options;
    json_t *body =
        json_pack("{s:s,s:s,s:b}", "url", c->words[0], "name", o->name ? o->name : c->words[0],
                  "allow_private", (int)o->allow_private);
    verbs_set(body, "category", o->category);
    verbs_set(body, "format", o->format);
    return verbs_post(c, "/subscriptions", body, print_added);
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

static void print_fetching(const json_t *x)
{
    (void)x;
    puts("it is fetched now; see category subscriptions");
}

static void print_rejected(const json_t *x)
{
    (void)x;
    puts("thrown away; what was live stays");
}

static void print_approved(const json_t *x)
{
    (void)x;
    puts("it is live");
}

/* "/subscriptions/N:action" of the one that is meant; 0, or the exit code. */
static int find_action(struct ctl *c, const char *action, char path[100])
{
    char begin[80], etag[80];
    int code = find(c, begin, etag);
    snprintf(path, 100, "%s:%s", code ? "" : begin, action);
    return code;
}

int verb_subscription_fetch(struct ctl *c)
{
    char path[100];
    int code = find_action(c, "fetch", path);
    return code ? code : verbs_post(c, path, NULL, print_fetching);
}

int verb_subscription_reject(struct ctl *c)
{
    char path[100];
    int code = find_action(c, "reject", path);
    return code ? code : verbs_post(c, path, NULL, print_rejected);
}

int verb_subscription_approve(struct ctl *c)
{
    char path[100];
    int code = find_action(c, "approve", path);
    struct client_ask ask = {.method = "POST", .path = path};
    return code ? code : job_show(c, &ask, print_approved);
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
