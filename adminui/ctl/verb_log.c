/* verb_log: a page of records as a table, or the live tail line by line. */
#include "adminui/ctl/verb_log.h"

#include <stdio.h>
#include <string.h>

#include "adminui/ctl/verbs.h"

#define LINE_MAX_BYTES (256u << 10)

static const struct show_column columns[] = {
    {"TIME", "time"},       {"CLIENT", "client"}, {"USER", "user"},
    {"VERDICT", "verdict"}, {"STATUS", "status"}, {"METHOD", "method"},
    {"URL", "url"},         {"RULE", "rule"},     {NULL, NULL}};

/* FIELD=VALUE words and the time range as a query. False: a word without '='. */
static bool add_filter(struct ctl *c)
{
    for (int i = 0; i < c->n_words; i++) {
        char *equals = strchr(c->words[i], '=');
        if (!equals || equals == c->words[i]) {
            verbs_fail("\"%s\" is not FIELD=VALUE", c->words[i]);
            return false;
        }
        *equals = 0;
        verbs_query(c, c->words[i], equals + 1);
    }
    verbs_query(c, "from", c->options.from);
    verbs_query(c, "to", c->options.to);
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
    struct tail t = {.is_json = c->options.json};
    int code = 1;
    buf_init(&t.line, LINE_MAX_BYTES);
    verbs_path(c, "/log/stream");
    if (add_filter(c)) {
        struct client_ask ask = {.method = "GET", .path = c->path.p, .piece = on_piece, .ctx = &t};
        code = verbs_show(c, &ask, NULL);
    }
    buf_fini(&t.line);
    return code;
}

int verb_log_search(struct ctl *c)
{
    if (c->options.follow)
        return follow(c);
    verbs_path(c, "/log");
    return add_filter(c) ? verbs_list(c, verbs_query(c, "limit", c->options.limit), columns) : 1;
}
