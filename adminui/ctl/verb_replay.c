/* verb_replay: one sentence, then who and where, then examples. */
#include "adminui/ctl/verb_replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/ctl/job.h"

static long long number(const json_t *r, const char *name)
{
    return (long long)json_integer_value(json_object_get(r, name));
}

static void print_sentence(const json_t *r)
{
    if (!number(r, "judged"))
        puts("there is no record in this time to rehearse with");
    else if (!number(r, "flips"))
        printf("nothing changes: all %lld requests of this time get the same answer\n",
               number(r, "judged") - number(r, "unsure") - number(r, "by_lists"));
    else
        printf("%lld of %lld requests flip, by %lld people on %lld hosts: %lld newly blocked, "
               "%lld newly allowed, %lld otherwise\n",
               number(r, "flips"), number(r, "judged"), number(r, "people"), number(r, "hosts"),
               number(r, "newly_blocked"), number(r, "newly_allowed"), number(r, "other"));
    if (number(r, "by_lists"))
        printf("%lld more differ because category lists have changed since\n",
               number(r, "by_lists"));
    if (number(r, "unsure"))
        printf("%lld cannot be judged for certain:\n", number(r, "unsure"));
    size_t i;
    const json_t *x;
    json_array_foreach(json_object_get(r, "unsure_reasons"), i, x)
    {
        printf("  %lld: ", number(x, "n"));
        show_value(stdout, json_object_get(x, "text"));
        fputc('\n', stdout);
    }
    printf("%lld records in %lld ms\n", number(r, "records"), number(r, "ms"));
}

static void print_result(const json_t *r)
{
    static const struct {
        const char *title, *member;
    } tables[] = {
        {"USER", "by_user"}, {"HOST", "by_host"}, {"CATEGORY", "by_category"}, {"RULE", "by_rule"}};
    static const struct show_column examples[] = {{"RECORD", "id"},
                                                  {"USER", "user"},
                                                  {"URL", "url"},
                                                  {"BEFORE", "before"},
                                                  {"AFTER", "after"},
                                                  {"RULE BEFORE", "rule_before"},
                                                  {"RULE AFTER", "rule_after"},
                                                  {NULL, NULL}};
    print_sentence(r);
    if (!number(r, "flips"))
        return;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const struct show_column columns[] = {{tables[i].title, "name"},
                                              {"FLIPS", "flips"},
                                              {"NEWLY BLOCKED", "newly_blocked"},
                                              {"NEWLY ALLOWED", "newly_allowed"},
                                              {NULL, NULL}};
        fputc('\n', stdout);
        show_table(json_object_get(r, tables[i].member), columns);
    }
    fputc('\n', stdout);
    show_table(json_object_get(r, "examples"), examples);
}

/* "draft", "live", a number, or a file with a document. */
static json_t *request(struct ctl *c)
{
    const char *what = c->words[0];
    bool is_number = *what && strspn(what, "0123456789") == strlen(what);
    json_t *body = json_object();
    verbs_set(body, "from", c->options.from);
    verbs_set(body, "to", c->options.to);
    if (strcmp(what, "draft") == 0 || strcmp(what, "live") == 0) {
        json_object_set_new(body, "policy", json_string(what));
    } else if (is_number) {
        json_object_set_new(body, "policy", json_integer(strtoll(what, NULL, 10)));
    } else {
        json_t *document = verbs_read_json(what);
        if (!document) {
            json_decref(body);
            return NULL;
        }
        json_object_set_new(body, "document", document);
    }
    return body;
}

int verb_replay(struct ctl *c)
{
    json_t *body = request(c);
    if (!body)
        return 1;
    int code = job_show(c, &(struct client_ask){.method = "POST", .path = "/replay", .json = body},
                        print_result);
    json_decref(body);
    return code;
}
