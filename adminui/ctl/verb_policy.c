/* verb_policy: documents in and out, publishing, testing. */
#include "adminui/ctl/verb_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/ctl/verb_change.h"
#include "adminui/ctl/verbs.h"

int verb_policy_show(struct ctl *c)
{
    const char *name = c->n_words ? c->words[0] : "live";
    struct client_answer a;
    char path[80];
    if (strcmp(name, "draft") == 0 || strcmp(name, "live") == 0)
        snprintf(path, sizeof path, "/policy/%s", name);
    else
        snprintf(path, sizeof path, "/policy/versions/%.40s", name);
    struct client_ask ask = {.method = "GET", .path = path};
    int code = verbs_call(c, &ask, &a);
    const json_t *document = json_object_get(a.json, "document");
    if (!code) {
        json_dumpf(document && !c->options.json ? document : a.json, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
    }
    client_answer_fini(&a);
    return code;
}

static void print_faults(const char *kind, const json_t *all)
{
    size_t i;
    const json_t *f;
    json_array_foreach(all, i, f)
    {
        printf("%s: ", kind);
        show_value(stdout, json_object_get(f, "pointer"));
        fputs(": ", stdout);
        show_value(stdout, json_object_get(f, "message"));
        fputc('\n', stdout);
    }
}

static void print_report(const json_t *report)
{
    size_t i;
    const json_t *t;
    print_faults("error", json_object_get(report, "errors"));
    print_faults("warning", json_object_get(report, "warnings"));
    json_array_foreach(json_object_get(report, "tests"), i, t)
    {
        bool passed = json_is_true(json_object_get(t, "passed"));
        fputs(passed ? "passed: " : "FAILED: ", stdout);
        show_value(stdout, json_object_get(t, passed ? "name" : "message"));
        fputc('\n', stdout);
    }
    if (json_is_true(json_object_get(report, "ok")))
        puts("ok");
}

int verb_policy_check(struct ctl *c)
{
    struct client_answer a;
    json_t *document = verbs_read_json(c->words[0]);
    if (!document)
        return 1;
    struct client_ask ask = {.method = "POST", .path = "/policy/draft:validate", .json = document};
    int code = verbs_call(c, &ask, &a);
    if (!code && c->options.json)
        verbs_print_json(&a);
    else if (!code)
        print_report(a.json);
    if (!code && !json_is_true(json_object_get(a.json, "ok")))
        code = 1;
    client_answer_fini(&a);
    json_decref(document);
    return code;
}

static void print_findings(const json_t *answer)
{
    const json_t *f, *all = json_object_get(answer, "findings");
    size_t i;
    json_array_foreach(all, i, f)
    {
        show_value(stdout, json_object_get(f, "severity"));
        fputs(" (", stdout);
        show_value(stdout, json_object_get(f, "kind"));
        fputs("): ", stdout);
        show_value(stdout, json_object_get(f, "text"));
        fputc('\n', stdout);
    }
    if (json_array_size(all) == 0)
        puts("nothing odd");
}

int verb_policy_lint(struct ctl *c)
{
    char path[80] = "/policy/draft/lint";
    if (c->options.days)
        snprintf(path, sizeof path, "/policy/draft/lint?idle_days=%.10s", c->options.days);
    return verbs_get(c, path, print_findings);
}

/* Prints what publishing came to; published but not running yet is a warning. */
static void print_published(struct ctl *c, const struct client_answer *a)
{
    if (c->options.json) {
        verbs_print_json(a);
        return;
    }
    long long version = json_integer_value(json_object_get(a->json, "version"));
    long long pending = json_integer_value(json_object_get(a->json, "pending"));
    if (pending && version)
        printf("version %lld is on trial (change %lld)\n", version, pending);
    else if (pending)
        printf("change %lld waits; see proxyctl policy pending\n", pending);
    else
        printf("version %lld is live\n", version);
    if (version && !json_is_true(json_object_get(a->json, "applied"))) {
        fputs("warning: proxyctl: ", stderr);
        show_value(stderr, json_object_get(a->json, "message"));
        fputc('\n', stderr);
    }
}

static int post_comment(struct ctl *c, const char *path, const char *if_match)
{
    struct client_answer a;
    json_t *body = verb_change_body(&c->options);
    if (!body)
        return 1;
    struct client_ask ask = {.method = "POST", .path = path, .json = body, .if_match = if_match};
    int code = verbs_call(c, &ask, &a);
    if (!code)
        print_published(c, &a);
    client_answer_fini(&a);
    json_decref(body);
    return code;
}

/* What somebody edited and did not publish gives way to the file: not without a word. */
static void tell_replaced(struct ctl *c, const struct client_answer *draft, const json_t *document)
{
    struct client_answer live;
    struct client_ask get = {.method = "GET", .path = "/policy/live"};
    if (client_call(&c->client, &get, &live) != OK)
        return;
    const json_t *now = json_object_get(live.json, "document");
    if (now && !json_equal(draft->json, now) && !json_equal(draft->json, document))
        fputs("warning: proxyctl: the draft held other changes, which were not published; the file "
              "takes their place\n",
              stderr);
    client_answer_fini(&live);
}

int verb_policy_publish(struct ctl *c)
{
    struct client_answer draft, saved = {0};
    json_t *document = verbs_read_json(c->words[0]);
    if (!document)
        return 1;
    struct client_ask get = {.method = "GET", .path = "/policy/draft"};
    int code = verbs_call(c, &get, &draft);
    struct client_ask put = {
        .method = "PUT", .path = "/policy/draft", .json = document, .if_match = draft.etag};
    if (!code)
        code = verbs_call(c, &put, &saved);
    if (!code) {
        tell_replaced(c, &draft, document);
        code = post_comment(c, "/policy/draft:publish", saved.etag);
    }
    client_answer_fini(&draft);
    client_answer_fini(&saved);
    json_decref(document);
    return code;
}

int verb_policy_versions(struct ctl *c)
{
    static const struct show_column columns[] = {{"VERSION", "version"},
                                                 {"LIVE", "is_live"},
                                                 {"PUBLISHED", "published_at"},
                                                 {"BY", "published_by"},
                                                 {"RULES", "n_rules"},
                                                 {"COMMENT", "comment"},
                                                 {NULL, NULL}};
    verbs_path(c, "/policy/versions");
    return verbs_list(c, verbs_query(c, "limit", c->options.limit), columns);
}

int verb_policy_patterns(struct ctl *c)
{
    static const struct show_column columns[] = {{"NS/REQUEST", "ns_per_request"},
                                                 {"RUNS", "evals"},
                                                 {"HITS", "hits"},
                                                 {"GIVEN UP", "limit_hits"},
                                                 {"FOUND BY", "filter"},
                                                 {"PATTERN", "pattern"},
                                                 {"WHERE", "where"},
                                                 {"HINT", "suggestion"},
                                                 {NULL, NULL}};
    verbs_path(c, "/policy/patterns");
    return verbs_list(c, verbs_query(c, "limit", c->options.limit), columns);
}

static void print_texts(const json_t *f, const char *count, const char *texts, char sign)
{
    json_int_t n = json_integer_value(json_object_get(f, count));
    const json_t *list = json_object_get(f, texts);
    if (!n)
        return;
    printf(" %c%lld (", sign, (long long)n);
    show_value(stdout, list);
    printf("%s)", n > (json_int_t)json_array_size(list) ? ", ..." : "");
}

/* "/when/hosts: +2 (a.test, b.test) -1 (c.test)", "/enabled: true -> false" */
static void print_field(const json_t *f)
{
    fputs("  ", stdout);
    show_value(stdout, json_object_get(f, "pointer"));
    fputc(':', stdout);
    if (json_object_get(f, "n_added")) {
        print_texts(f, "n_added", "added", '+');
        print_texts(f, "n_removed", "removed", '-');
    } else {
        fputc(' ', stdout);
        show_value(stdout, json_object_get(f, "before"));
        fputs(" -> ", stdout);
        show_value(stdout, json_object_get(f, "after"));
    }
    fputc('\n', stdout);
}

static void print_place(const json_t *c, const char *word, const char *member)
{
    const json_t *at = json_object_get(c, member);
    if (json_is_integer(at))
        printf("%s%lld", word, (long long)json_integer_value(at) + 1);
}

/* "changed rule r1 (No games), number 3 to 1", then its fields. */
static void print_changes(const json_t *answer)
{
    size_t i, k;
    const json_t *c, *f, *changes = json_object_get(answer, "changes");
    if (json_array_size(changes) == 0)
        puts("(none)");
    json_array_foreach(changes, i, c)
    {
        static const char *const members[] = {"op", "kind", "id"};
        bool is_setting = json_is_null(json_object_get(c, "from_position")) &&
                          json_is_null(json_object_get(c, "to_position"));
        for (size_t m = 0; m < 3; m++) {
            fputs(m ? " " : "", stdout);
            show_value(stdout, json_object_get(c, members[m]));
        }
        if (!json_equal(json_object_get(c, "name"), json_object_get(c, "id"))) {
            fputs(" (", stdout);
            show_value(stdout, json_object_get(c, "name"));
            fputc(')', stdout);
        }
        if (!is_setting) {
            print_place(c, ", number ", "from_position");
            print_place(c, " -> ", "to_position");
        }
        fputc('\n', stdout);
        json_array_foreach(json_object_get(c, "fields"), k, f)
        {
            print_field(f);
        }
    }
}

int verb_policy_diff(struct ctl *c)
{
    verbs_path(c, "/policy/diff");
    verbs_query(c, "from", c->n_words > 0 ? c->words[0] : "live");
    return verbs_get(c, verbs_query(c, "to", c->n_words > 1 ? c->words[1] : "draft"),
                     print_changes);
}

int verb_policy_rollback(struct ctl *c)
{
    char path[80];
    snprintf(path, sizeof path, "/policy/versions/%.20s:rollback", c->words[0]);
    return post_comment(c, path, NULL);
}

/* --- test --------------------------------------------------------------------------------------
 */

static void print_trace(const json_t *trace)
{
    size_t i;
    const json_t *r;
    json_array_foreach(trace, i, r)
    {
        printf("%c %3lld  ", json_is_true(json_object_get(r, "decided")) ? '*' : ' ',
               (long long)json_integer_value(json_object_get(r, "index")) + 1);
        show_value(stdout, json_object_get(r, "fit"));
        fputs("  ", stdout);
        show_value(stdout, json_object_get(r, "id"));
        fputs("  ", stdout);
        show_value(stdout, json_object_get(r, "text"));
        fputc('\n', stdout);
    }
}

/* What would turn the answer. */
static void print_flips(const json_t *flips)
{
    size_t i;
    const json_t *f;
    json_array_foreach(flips, i, f)
    {
        fputs("would be ", stdout);
        show_value(stdout, json_object_get(f, "action"));
        fputs(": ", stdout);
        show_value(stdout, json_object_get(f, "text"));
        fputc('\n', stdout);
    }
}

static void print_simulated(const json_t *j)
{
    static const struct show_column columns[] = {{"action", "action"},
                                                 {"rule", "rule"},
                                                 {"name", "rule_name"},
                                                 {"version", "version"},
                                                 {"categories", "categories"},
                                                 {"url", "url"},
                                                 {"needs", "needs"},
                                                 {"message", "message"},
                                                 {NULL, NULL}};
    show_object(j, columns);
    print_trace(json_object_get(j, "trace"));
    print_flips(json_object_get(j, "flip"));
}

int verb_policy_test(struct ctl *c)
{
    const struct options *o = &c->options;
    json_t *body = json_object();
    verbs_set(body, "url", c->words[0]);
    verbs_set(body, "user", o->user);
    verbs_set(body, "client", o->client);
    verbs_set(body, "time", o->time);
    verbs_set(body, "method", o->method);
    verbs_set(body, "policy", o->policy);
    if (o->groups)
        json_object_set_new(body, "groups", verbs_names(o->groups));
    return verbs_post(c, "/simulate", body, print_simulated);
}
