/* api_categories: handlers over list_rows and jobs. */
#include "adminui/api_categories.h"

#include <stdio.h>

#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/job_start.h"
#include "adminui/job_work.h"
#include "adminui/jobs.h"
#include "adminui/policy_docs.h"
#include "adminui/policy_hold.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "db/list_formats.h"
#include "db/list_rows.h"
#include "db/subscription_rows.h"

/* --- shown -------------------------------------------------------------------------------------
 */

static bool names_category(const json_t *conditions, struct str name)
{
    size_t i;
    const json_t *each;
    json_array_foreach(json_object_get(conditions, "categories"), i, each)
    {
        if (str_eq(str_of(json_string_value(each)), name))
            return true;
    }
    return false;
}

/* Ids of the rules of the live policy that name it. */
static json_t *used_by(const json_t *rules, struct str name)
{
    json_t *all = json_array();
    size_t i;
    const json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        if (names_category(json_object_get(rule, "when"), name) ||
            names_category(json_object_get(rule, "unless"), name))
            json_array_append_new(all, reply_str(fields_str(rule, "id", (struct str){0})));
    }
    return all;
}

static json_t *category_json(const struct list_category *x, const json_t *rules)
{
    json_t *counts = json_object();
    for (int k = 0; k < LIST_KINDS; k++)
        json_object_set_new(counts, list_kind_name((enum list_kind)k), reply_u64(x->counts[k]));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name", reply_str(x->name), "title",
                     reply_str(x->title), "description", reply_str(x->description), "counts",
                     counts, "updated_at", reply_time(x->content_at_ms), "source",
                     reply_str(x->source), "format", reply_str(x->format), "used_by",
                     used_by(rules, x->name));
}

static json_t *live_policy(struct call *c)
{
    struct policy_version live;
    if (policy_rows_live(c->desk->store, &c->arena, &live) != OK)
        return NULL;
    return json_loadb(live.document.p, live.document.n, 0, NULL);
}

void api_categories_list(struct call *c)
{
    struct list_category *items;
    size_t n;
    enum err e = list_rows_categories(c->desk->store, &c->arena, &items, &n);
    if (e != OK) {
        problem_reply_err(c, e, "list of categories");
        return;
    }
    json_t *policy = live_policy(c), *all = json_array();
    const json_t *rules = json_object_get(policy, "rules");
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, category_json(&items[i], rules));
    json_decref(policy);
    json_t *index = job_work_index(c->desk);
    reply_json(c, 200, json_pack("{s:o,s:o}", "items", all, "index", index));
}

static void reply_category(struct call *c, struct str name, unsigned status)
{
    struct list_category x;
    enum err e = list_rows_category(c->desk->store, &c->arena, name, &x);
    if (e != OK) {
        problem_reply_err(c, e, "category");
        return;
    }
    json_t *policy = live_policy(c);
    call_etag(c->reply.etag, "c", x.revision);
    reply_json(c, status, category_json(&x, json_object_get(policy, "rules")));
    json_decref(policy);
}

void api_categories_get(struct call *c)
{
    reply_category(c, c->params[0], 200);
    if (!c->reply.slug)
        (void)call_not_modified(c, c->reply.etag);
}

/* --- changed -----------------------------------------------------------------------------------
 */

static bool check_name(struct call *c, struct str name)
{
    if (list_rows_is_name(name))
        return true;
    problem_reply_fault(c, "/name", "bad-name",
                        "A category's name has 1 to 64 of a-z, 0-9, -, _ and dot.");
    return false;
}

void api_categories_put(struct call *c)
{
    static const struct field fields[] = {{"title", FIELD_STR, false, false, 0, 200},
                                          {"description", FIELD_STR, false, false, 0, 2000},
                                          {"source", FIELD_STR, false, false, 0, 1000}};
    struct list_category x = {0};
    char tag[64];
    if (!fields_check(c, fields, 3) || !check_name(c, c->params[0]))
        return;
    enum err e = list_rows_category(c->desk->store, &c->arena, c->params[0], &x);
    bool is_new = e == ERR_NOT_FOUND;
    if (e == OK) {
        call_etag(tag, "c", x.revision);
        if (!call_if_match(c, tag))
            return;
    } else if (is_new) {
        x = (struct list_category){.name = c->params[0],
                                   .created_ms = clock_wall_ms(&c->app->clock)};
    } else {
        problem_reply_err(c, e, "category");
        return;
    }
    x.title = fields_str(c->json, "title", x.title);
    x.description = fields_str(c->json, "description", x.description);
    x.source = fields_str(c->json, "source", x.source);
    e = list_rows_put(c->desk->store, &x, x.revision);
    call_audit(c, x.name, NULL, json_incref(c->json));
    if (e != OK)
        problem_reply_err(c, e, "category");
    else
        reply_category(c, x.name, is_new ? 201 : 200);
}

/* 202 with the job. */

void api_categories_delete(struct call *c)
{
    struct list_category x;
    char tag[64];
    enum err e = list_rows_category(c->desk->store, &c->arena, c->params[0], &x);
    if (e != OK) {
        problem_reply_err(c, e, "category");
        return;
    }
    call_etag(tag, "c", x.revision);
    if (!call_if_match(c, tag))
        return;
    json_t *policy = live_policy(c);
    json_t *users = used_by(json_object_get(policy, "rules"), x.name);
    size_t n_users = json_array_size(users);
    json_decref(users);
    json_decref(policy);
    if (n_users) {
        problem_reply(c, PROBLEM_CONFLICT, "%zu rule%s of the live policy name%s this category.",
                      n_users, n_users == 1 ? "" : "s", n_users == 1 ? "s" : "");
        return;
    }
    e = subscription_rows_forget(c->desk->store, x.name);
    if (e == OK)
        e = list_rows_delete(c->desk->store, x.name, x.revision);
    call_audit(c, x.name, NULL, NULL);
    if (e != OK)
        problem_reply_err(c, e, "category");
    else
        reply_empty(c, 202);
}

void api_categories_deleted(struct call *c)
{
    api_categories_rebuild(c);
}

void api_categories_rebuild(struct call *c)
{
    struct job_order order = {.kind = JOB_REBUILD};
    job_start(c, &order);
}

/* mode and dry_run. */
static bool read_mode(struct call *c, struct job_order *order)
{
    struct str mode = call_query(c, "mode", STR("replace"));
    struct str dry = call_query(c, "dry_run", STR("false"));
    struct str force = call_query(c, "force", STR("false"));
    order->merge = str_eq(mode, STR("merge"));
    order->dry_run = str_eq(dry, STR("true"));
    order->force = str_eq(force, STR("true"));
    order->source = call_query(c, "source", (struct str){0});
    order->take_upload = c->upload;
    if (!order->merge && !str_eq(mode, STR("replace"))) {
        problem_reply_fault(c, "/mode", "unknown-mode", "mode is replace or merge.");
        return false;
    }
    if (!order->force && !str_eq(force, STR("false"))) {
        problem_reply_fault(c, "/force", "bad-value", "force is true or false.");
        return false;
    }
    if (!order->dry_run && !str_eq(dry, STR("false"))) {
        problem_reply_fault(c, "/dry_run", "bad-value", "dry_run is true or false.");
        return false;
    }
    return true;
}

void api_categories_import(struct call *c)
{
    struct job_order order = {.kind = JOB_IMPORT, .category = c->params[0]};
    enum list_format format;
    order.format_name = call_query(c, "format", STR("auto"));
    if (!list_format_from_name(order.format_name, &format)) {
        problem_reply_fault(c, "/format", "unknown-format",
                            "There is no such format; auto finds out by itself.");
        return;
    }
    if (!check_name(c, order.category) || !read_mode(c, &order))
        return;
    call_audit(c, order.category, NULL,
               json_pack("{s:I,s:b,s:b}", "bytes", (json_int_t)c->upload_bytes, "merge",
                         (int)order.merge, "dry_run", (int)order.dry_run));
    job_start(c, &order);
}

void api_categories_tree(struct call *c)
{
    struct job_order order = {.kind = JOB_TREE, .format_name = STR("squidguard")};
    order.prefix = call_query(c, "prefix", (struct str){0});
    if (!read_mode(c, &order))
        return;
    call_audit(c, order.prefix, NULL,
               json_pack("{s:I,s:b,s:b}", "bytes", (json_int_t)c->upload_bytes, "merge",
                         (int)order.merge, "dry_run", (int)order.dry_run));
    job_start(c, &order);
}
