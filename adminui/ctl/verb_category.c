/* verb_category: imports wait for their job and show its progress on a terminal. */
#include "adminui/ctl/verb_category.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/job.h"
#include "adminui/ctl/show.h"
#include "adminui/ctl/verbs.h"

int verb_category_list(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"NAME", "name"},        {"DOMAINS", "counts/domains"},
        {"URLS", "counts/urls"}, {"EXPRESSIONS", "counts/expressions"},
        {"IPS", "counts/ips"},   {"UPDATED", "updated_at"},
        {"USED BY", "used_by"},  {NULL, NULL}};
    struct client_answer a;
    bool is_done;
    int code = verbs_get(c, "/categories", &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
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

static int finish(struct ctl *c, const struct client_answer *job)
{
    const json_t *result = job_result(job);
    if (c->options.json)
        verbs_print_json(job);
    else if (result)
        print_result(result);
    return result ? 0 : 1;
}

static int import(struct ctl *c, struct buf *path, const char *file)
{
    struct client_answer job;
    const char *name = strrchr(file, '/');
    verbs_query(c, path, "mode", c->options.merge ? "merge" : NULL);
    verbs_query(c, path, "dry_run", c->options.dry_run ? "true" : NULL);
    verbs_query(c, path, "force", c->options.force ? "true" : NULL);
    verbs_query(c, path, "source", name ? name + 1 : file);
    buf_add_c(path, 0);
    struct client_ask ask = {.method = "POST", .path = path->p, .file = file};
    int code = job_run(c, &ask, &job);
    if (!code)
        code = finish(c, &job);
    client_answer_fini(&job);
    buf_fini(path);
    return code;
}

int verb_category_import(struct ctl *c)
{
    struct buf path;
    buf_init(&path, 16384);
    buf_add_z(&path, "/categories/");
    client_encode(&c->client, &path, c->words[0]);
    buf_add_z(&path, ":import");
    verbs_query(c, &path, "format", c->options.format);
    return import(c, &path, c->words[1]);
}

int verb_category_tree(struct ctl *c)
{
    struct buf path;
    buf_init(&path, 16384);
    buf_add_z(&path, "/categories:import");
    return import(c, &path, c->words[0]);
}

int verb_category_lookup(struct ctl *c)
{
    static const struct show_column columns[] = {
        {"CATEGORY", "category"}, {"ENTRY", "entry"}, {"KIND", "kind"}, {NULL, NULL}};
    struct client_answer a;
    struct buf path;
    bool is_done, is_url = strstr(c->words[0], "://") != NULL;
    buf_init(&path, 16384);
    buf_add_z(&path, "/lookup");
    verbs_query(c, &path, is_url ? "url" : "host", c->words[0]);
    buf_add_c(&path, 0);
    int code = verbs_get(c, path.p, &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "matches"), columns);
    client_answer_fini(&a);
    buf_fini(&path);
    return code;
}

int verb_category_delete(struct ctl *c)
{
    struct client_answer now, a = {0};
    struct buf path;
    buf_init(&path, 4096);
    buf_add_z(&path, "/categories/");
    client_encode(&c->client, &path, c->words[0]);
    buf_add_c(&path, 0);
    struct client_ask get = {.method = "GET", .path = path.p};
    int code = verbs_call(c, &get, &now);
    struct client_ask ask = {.method = "DELETE", .path = path.p, .if_match = now.etag};
    if (!code)
        code = verbs_call(c, &ask, &a);
    client_answer_fini(&now);
    client_answer_fini(&a);
    buf_fini(&path);
    return code;
}
