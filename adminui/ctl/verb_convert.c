/* verb_convert: the report for people on stderr, the document on stdout or in a file, so that
 * `policy convert squid.conf > new.json` is all it takes. */
#include "adminui/ctl/verb_convert.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/job.h"

static void print_row(const json_t *r)
{
    const char *outcome = json_string_value(json_object_get(r, "outcome"));
    const char *note = json_string_value(json_object_get(r, "note"));
    if (!outcome || !note || strcmp(outcome, "translated") == 0 ||
        strcmp(outcome, "not-needed") == 0)
        return;
    show_value(stderr, json_object_get(r, "file"));
    fputc(':', stderr);
    show_value(stderr, json_object_get(r, "line"));
    fputs(": ", stderr);
    show_text(stderr, outcome);
    fputs(": ", stderr);
    show_value(stderr, json_object_get(r, "text"));
    fputs("\n    ", stderr);
    show_text(stderr, note);
    fputc('\n', stderr);
}

/* What is no policy is for people to save. */
static void print_settings(const json_t *settings)
{
    const json_t *upstreams = json_object_get(settings, "upstreams");
    const json_t *privacy = json_object_get(settings, "privacy"), *word;
    const char *key;
    if (upstreams) {
        fputs("parent proxies (System, Parent proxies; PUT /api/v1/settings/upstreams):\n", stderr);
        json_dumpf(upstreams, stderr, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        fputc('\n', stderr);
    }
    if (privacy)
        fputs("for each listener:", stderr);
    json_object_foreach((json_t *)(uintptr_t)privacy, key, word)
    {
        fprintf(stderr, " %s=", key);
        show_value(stderr, word);
    }
    if (privacy)
        fputc('\n', stderr);
}

static void print_report(const json_t *result)
{
    size_t i;
    const json_t *r, *counts = json_object_get(result, "counts");
    json_array_foreach(json_object_get(result, "report"), i, r) print_row(r);
    fputs("from ", stderr);
    show_value(stderr, json_object_get(result, "from"));
    fprintf(stderr, ": %lld lines translated, %lld partly, %lld dropped, %lld not needed\n",
            (long long)json_integer_value(json_object_get(counts, "translated")),
            (long long)json_integer_value(json_object_get(counts, "partly")),
            (long long)json_integer_value(json_object_get(counts, "dropped")),
            (long long)json_integer_value(json_object_get(counts, "not-needed")));
    json_array_foreach(json_object_get(result, "categories"), i, r)
    {
        fputs(json_is_true(json_object_get(result, "stored")) ? "category stored: "
                                                              : "category (--store-categories): ",
              stderr);
        show_value(stderr, json_object_get(r, "name"));
        fprintf(stderr, ", %lld entries\n",
                (long long)json_integer_value(json_object_get(r, "entries")));
    }
    print_settings(json_object_get(result, "settings"));
    json_dumpf(json_object_get(result, "document"), stdout, JSON_INDENT(2));
    fputc('\n', stdout);
}

int verb_convert(struct ctl *c)
{
    const char *file = c->words[0], *name = strrchr(file, '/');
    verbs_path(c, "/convert");
    verbs_query(c, "name", name ? name + 1 : file);
    verbs_query(c, "from", c->options.from);
    struct client_ask ask = {
        .method = "POST",
        .path = verbs_query(c, "categories", c->options.store_categories ? "store" : NULL),
        .file = file};
    return job_show(c, &ask, print_report);
}
