/* verb_category: imports wait for their job and show its progress on a terminal. */
#include "adminui/ctl/verb_category.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/job.h"
#include "adminui/ctl/verbs.h"

int verb_category_list(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"NAME", "name"},        {"DOMAINS", "counts/domains"},
        {"URLS", "counts/urls"}, {"EXPRESSIONS", "counts/expressions"},
        {"IPS", "counts/ips"},   {"UPDATED", "updated_at"},
        {"USED BY", "used_by"},  {NULL, NULL}};
    return verbs_list(c, "/categories", columns);
}

static void print_result(const json_t *result)
{
    size_t i;
    const json_t *r;
    printf("%lld accepted, %lld duplicates, %lld rejected",
           (long long)json_integer_value(json_object_get(result, "accepted")),
           (long long)json_integer_value(json_object_get(result, "duplicates")),
           (long long)json_integer_value(json_object_get(result, "n_rejected")));
    printf(", read as ");
    show_value(stdout, json_object_get(result, "format"));
    fputc('\n', stdout);
    json_array_foreach(json_object_get(result, "rejected"), i, r)
    {
        if (i == 20) {
            puts("  ...");
            break;
        }
        fputs("  ", stdout);
        const char *file = json_string_value(json_object_get(r, "file"));
        if (file && *file) {
            show_text(stdout, file);
            fputc(':', stdout);
        }
        show_value(stdout, json_object_get(r, "line"));
        fputs(": ", stdout);
        show_value(stdout, json_object_get(r, "reason"));
        fputs(": ", stdout);
        show_value(stdout, json_object_get(r, "text"));
        fputc('\n', stdout);
    }
    const char *message = json_string_value(json_object_get(result, "message"));
    if (message && *message) {
        fputs("warning: proxyctl: ", stderr);
        show_text(stderr, message);
        fputc('\n', stderr);
    }
}

/* The path so far is the import's. */
static int import(struct ctl *c, const char *file)
{
    const char *name = strrchr(file, '/');
    verbs_query(c, "mode", c->options.merge ? "merge" : NULL);
    verbs_query(c, "dry_run", c->options.dry_run ? "true" : NULL);
    verbs_query(c, "force", c->options.force ? "true" : NULL);
    struct client_ask ask = {
        .method = "POST", .path = verbs_query(c, "source", name ? name + 1 : file), .file = file};
    return job_show(c, &ask, print_result);
}

int verb_category_import(struct ctl *c)
{
    verbs_path(c, "/categories/");
    verbs_word(c, c->words[0], ":import");
    verbs_query(c, "format", c->options.format);
    return import(c, c->words[1]);
}

int verb_category_tree(struct ctl *c)
{
    verbs_path(c, "/categories:import");
    return import(c, c->words[0]);
}

static void print_matches(const json_t *answer)
{
    static const struct show_column columns[] = {
        {"CATEGORY", "category"}, {"ENTRY", "entry"}, {"KIND", "kind"}, {NULL, NULL}};
    show_table(json_object_get(answer, "matches"), columns);
}

int verb_category_lookup(struct ctl *c)
{
    bool is_url = strstr(c->words[0], "://") != NULL;
    verbs_path(c, "/lookup");
    return verbs_get(c, verbs_query(c, is_url ? "url" : "host", c->words[0]), print_matches);
}

int verb_category_delete(struct ctl *c)
{
    verbs_path(c, "/categories/");
    struct client_ask ask = {.method = "DELETE", .path = verbs_word(c, c->words[0], "")};
    return verbs_change(c, &ask, NULL);
}
