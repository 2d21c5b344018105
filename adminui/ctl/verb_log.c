/* verb_log: a page of records as a table, or the live tail line by line. */
#include "adminui/ctl/verb_log.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/show.h"
#include "adminui/ctl/verbs.h"

#define LINE_MAX_BYTES (256u << 10)

static const struct show_column columns[] = {
    {"TIME", "time"},       {"CLIENT", "client"}, {"USER", "user"},
    {"VERDICT", "verdict"}, {"STATUS", "status"}, {"METHOD", "method"},
    {"URL", "url"},         {"RULE", "rule"},     {NULL, NULL}};

/* FIELD=VALUE words and the time range as a query. False: a word without '='. */
static bool add_filter(struct ctl *c, struct buf *path)
{
    for (int i = 0; i < c->n_words; i++) {
        char *equals = strchr(c->words[i], '=');
        if (!equals || equals == c->words[i]) {
            verbs_fail("\"%s\" is not FIELD=VALUE", c->words[i]);
            return false;
        }
        *equals = 0;
        buf_add_c(path, str_find(buf_str(path), '?') == STR_NPOS ? '?' : '&');
        client_encode(&c->client, path, c->words[i]);
        buf_add_c(path, '=');
        client_encode(&c->client, path, equals + 1);
    }
    verbs_query(c, path, "from", c->options.from);
    verbs_query(c, path, "to", c->options.to);
    return true;
}

/* --- follow ------------------------------------------------------------------------------------
 */

struct tail {
    struct buf line;
    bool is_json;
};

static void print_record(const struct tail *t, struct str text)
{
    json_t *j = json_loadb(text.p, text.n, 0, NULL);
    if (t->is_json) {
        fwrite(text.p, 1, text.n, stdout);
    } else {
        for (const struct show_column *col = columns; j && col->title; col++) {
            if (col != columns)
                fputc(' ', stdout);
            show_value(stdout, json_object_get(j, col->member));
        }
    }
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(j);
}

static void on_piece(void *ctx, struct str bytes)
{
    struct tail *t = ctx;
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != '\n') {
            buf_add_c(&t->line, bytes.p[i]);
            continue;
        }
        struct str line = buf_str(&t->line);
        if (str_starts(line, STR("data: {\"n\":")))
            fprintf(stderr, "warning: proxyctl: some records were left out: %.*s\n",
                    STR_ARG(str_sub(line, 6, line.n)));
        else if (str_starts(line, STR("data: ")) && !t->line.failed)
            print_record(t, str_sub(line, 6, line.n));
        buf_clear(&t->line);
    }
}

static int follow(struct ctl *c)
{
    struct client_answer a;
    struct tail t = {.is_json = c->options.json};
    struct buf path;
    int code = 1;
    buf_init(&t.line, LINE_MAX_BYTES);
    buf_init(&path, LINE_MAX_BYTES);
    buf_add_z(&path, "/log/stream");
    if (add_filter(c, &path)) {
        buf_add_c(&path, 0);
        struct client_ask ask = {.method = "GET", .path = path.p, .piece = on_piece, .ctx = &t};
        code = verbs_call(c, &ask, &a);
        client_answer_fini(&a);
    }
    buf_fini(&path);
    buf_fini(&t.line);
    return code;
}

int verb_log_search(struct ctl *c)
{
    struct client_answer a;
    struct buf path;
    bool is_done;
    int code = 1;
    if (c->options.follow)
        return follow(c);
    buf_init(&path, LINE_MAX_BYTES);
    buf_add_z(&path, "/log");
    if (add_filter(c, &path)) {
        verbs_query(c, &path, "limit", c->options.limit);
        buf_add_c(&path, 0);
        code = verbs_get(c, path.p, &a, &is_done);
        if (!is_done)
            show_table(json_object_get(a.json, "items"), columns);
        client_answer_fini(&a);
    }
    buf_fini(&path);
    return code;
}
