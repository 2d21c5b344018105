/* squid: directives in the order of the file. A line of http_access names ACLs that must all fit;
 * the first line that fits decides, and when none does, the opposite of the last line: just as our
 * rules and default, so order is kept and nothing is merged. */
#include "convert/squid.h"

#include <stdio.h>
#include <string.h>

#include "convert/squid_config.h"
#include "convert/squid_line.h"
#include "convert/squid_privacy.h"
#include "convert/squid_routes.h"
#include "convert/squid_words.h"

struct access {
    struct squid_acl_set acls;
    struct outcome *o;
    const struct upload *upload;
    bool has_any, is_ended; /* a line for everything was met: nothing after it is reached */
    bool last_is_allow;
    struct squid_routes routes;
    struct squid_privacy privacy;
    struct map messages; /* last ACL of a line -> URL of its deny_info */
};

static void add_message(struct access *x, const struct squid_directive *d, json_t *rule)
{
    struct str last = d->words[d->n - 1].text;
    const char *url = map_get(&x->messages, last);
    if (!url)
        return;
    json_object_set_new(rule, "action", json_string("redirect"));
    json_object_set_new(rule, "redirect_url", json_string(url));
}

static void make_rule(struct access *x, const struct squid_directive *d, bool is_allow,
                      const struct squid_judged *j)
{
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    json_t *rule = outcome_rule(x->o, squid_line_name(d, is_allow ? "Allow" : "Block", x->o),
                                is_allow ? "allow" : "block");
    if (!rule)
        return;
    row.rule = outcome_rule_id(rule);
    row.kind = j->is_partly ? OUTCOME_PARTLY : OUTCOME_TRANSLATED;
    bool fits = squid_line_apply(&x->acls, d, rule, x->o);
    if (!is_allow)
        add_message(x, d, rule);
    if (j->is == SQUID_LINE_CANNOT || !fits) {
        char why[300];
        snprintf(
            why, sizeof why, "Not switched on: \"%.*s\" cannot be taken over. %s",
            STR_ARG(str_sub(j->is == SQUID_LINE_CANNOT ? j->acl : STR("two sets of the same kind"),
                            0, 60)),
            j->why ? j->why : "Both would have to fit at once.");
        outcome_rule_off(rule, why);
        row.kind = OUTCOME_PARTLY;
        outcome_report(x->o, &row, "%s", why);
        return;
    }
    outcome_report(x->o, &row, "%s", j->is_partly ? "See the notes on its ACLs." : "");
}

static void set_default(struct outcome *o, bool is_allow)
{
    json_object_set_new(o->document, "default",
                        json_pack("{s:s}", "action", is_allow ? "allow" : "block"));
}

static void access_line(struct access *x, const struct squid_directive *d)
{
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    bool is_allow = d->n > 1 && str_eq(d->words[1].text, STR("allow"));
    row.kind = OUTCOME_DROPPED;
    if (d->n < 3 || (!is_allow && !str_eq(d->words[1].text, STR("deny")))) {
        outcome_report(x->o, &row, "It says neither allow nor deny, or for whom.");
        return;
    }
    if (x->is_ended) {
        row.kind = OUTCOME_NOT_NEEDED;
        outcome_report(x->o, &row, "Never reached: a line above decides everything.");
        return;
    }
    struct squid_judged j = squid_line_judge(&x->acls, d);
    x->has_any = true;
    x->last_is_allow = is_allow;
    if (j.is == SQUID_LINE_NEVER) {
        row.kind = OUTCOME_NOT_NEEDED;
        outcome_report(x->o, &row, "%s", j.why ? j.why : "An ACL of it fits nothing.");
    } else if (j.is == SQUID_LINE_ALL) {
        x->is_ended = true;
        set_default(x->o, is_allow);
        row.kind = OUTCOME_TRANSLATED;
        outcome_report(x->o, &row, "This is the default of the document.");
    } else {
        make_rule(x, d, is_allow, &j);
    }
}

/* http_reply_access: the same, judged when the answer is known; only denials say something. */
static void reply_line(struct access *x, const struct squid_directive *d)
{
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    bool is_deny = d->n > 2 && str_eq(d->words[1].text, STR("deny"));
    struct squid_judged j =
        is_deny ? squid_line_judge(&x->acls, d) : (struct squid_judged){.is = SQUID_LINE_ALL};
    if (!is_deny || j.is == SQUID_LINE_ALL) {
        row.kind =
            d->n > 2 && !is_deny && j.is == SQUID_LINE_ALL ? OUTCOME_NOT_NEEDED : OUTCOME_DROPPED;
        outcome_report(x->o, &row, "Answers are let through unless a rule on them blocks.");
        return;
    }
    if (j.is == SQUID_LINE_NEVER)
        return;
    make_rule(x, d, false, &j);
    /* it stands before the rules of requests, for the first that fits decides */
    size_t last = json_array_size(x->o->rules) - 1;
    json_t *rule = json_incref(json_array_get(x->o->rules, last));
    json_array_remove(x->o->rules, last);
    json_array_insert_new(x->o->rules, 0, rule);
}

static void deny_info(struct access *x, const struct squid_directive *d)
{
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    struct str what = d->n > 2 ? d->words[1].text : (struct str){0};
    size_t colon = str_find(what, ':');
    if (colon == 3) /* "302:http://..." */
        what = str_sub(what, 4, what.n);
    bool is_url = str_starts(what, STR("http://")) || str_starts(what, STR("https://"));
    if (!is_url || str_find(what, '%') != STR_NPOS) {
        row.kind = OUTCOME_DROPPED;
        outcome_report(x->o, &row,
                       "The block page says rule, reason and record; put a text into the "
                       "rule's message.");
        return;
    }
    struct str kept = arena_str(&x->o->arena, what);
    void *old;
    for (size_t i = 2; i < d->n; i++) {
        if (!kept.p ||
            map_put(&x->messages, d->words[i].text, (void *)(uintptr_t)kept.p, &old) != OK)
            x->o->failed = true;
    }
    row.kind = OUTCOME_TRANSLATED;
    outcome_report(x->o, &row, "Denials by it redirect there.");
}

static enum err first_pass(struct access *x, const struct squid_directive *d)
{
    struct str name = d->words[0].text;
    if (str_eq(name, STR("external_acl_type")))
        return squid_acl_helper(&x->acls, d, x->o);
    if (str_eq(name, STR("acl")))
        return squid_acl_add(&x->acls, d, x->upload, x->o);
    if (str_eq(name, STR("deny_info")))
        deny_info(x, d);
    return OK;
}

static void second_pass(struct access *x, const struct squid_directive *d)
{
    struct str name = d->words[0].text;
    struct outcome_row row = {.file = d->file, .line = d->line, .text = d->text};
    if (str_eq(name, STR("http_access")) || str_eq(name, STR("adapted_http_access"))) {
        access_line(x, d);
    } else if (str_eq(name, STR("http_reply_access"))) {
        reply_line(x, d);
    } else if (squid_routes_add(&x->routes, d, x->o) || squid_privacy_add(&x->privacy, d)) {
        return; /* reported when all of them are known */
    } else if (!str_eq(name, STR("acl")) && !str_eq(name, STR("external_acl_type")) &&
               !str_eq(name, STR("deny_info"))) {
        const char *about = squid_words_about(name, &row.kind);
        outcome_report(x->o, &row, "%s", about);
    }
}

enum err squid_convert(const struct upload *u, const struct upload_file *main, struct outcome *o)
{
    struct access x = {.o = o, .upload = u};
    struct squid_config c = {0};
    map_init(&x.messages);
    enum err e = squid_acl_set_init(&x.acls);
    if (e == OK)
        e = squid_config_read(u, main, o, &c);
    for (size_t i = 0; i < c.n && e == OK; i++)
        e = first_pass(&x, &c.v[i]);
    for (size_t i = 0; i < c.n && e == OK; i++)
        second_pass(&x, &c.v[i]);
    if (e == OK && !x.is_ended)
        set_default(o, x.has_any && !x.last_is_allow);
    if (e == OK)
        squid_routes_finish(&x.routes, &x.acls, o);
    if (e == OK)
        squid_privacy_finish(&x.privacy, o);
    squid_config_fini(&c);
    squid_acl_set_fini(&x.acls);
    map_fini(&x.messages);
    return e == OK && o->failed ? ERR_NOMEM : e;
}
