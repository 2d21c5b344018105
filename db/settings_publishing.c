/* settings_publishing: a table of numbers, and the walk over the document. */
#include "db/settings_publishing.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "db/admin_rows.h"
#include "policies/reader.h"

static const char default_document[] =
    "{\"approval\":{\"required\":false,\"roles\":[]},\"late_minutes\":60,"
    "\"return\":{\"enabled\":false,\"watch_minutes\":15,\"min_requests\":200,"
    "\"max_block_rate_factor\":3,\"min_block_rate\":0.05,\"max_error_rate\":0.5}}";

struct str settings_publishing_default_document(void)
{
    return str_of(default_document);
}

struct reading {
    struct report *report;
    double late_minutes, watch_minutes, min_requests, factor, block_rate, error_rate;
    bool needs_approval, may_return;
    unsigned roles;
};

static const struct number {
    const char *group, *key;
    size_t offset;
    double least, most;
} numbers[] = {
    {"", "late_minutes", offsetof(struct reading, late_minutes), 0, 43200},
    {"return", "watch_minutes", offsetof(struct reading, watch_minutes), 0.01, 1440},
    {"return", "min_requests", offsetof(struct reading, min_requests), 1, 1e9},
    {"return", "max_block_rate_factor", offsetof(struct reading, factor), 1, 1000},
    {"return", "min_block_rate", offsetof(struct reading, block_rate), 0, 1},
    {"return", "max_error_rate", offsetof(struct reading, error_rate), 0, 1},
};

static void read_bool(struct reading *x, const char *pointer, const json_t *v, bool *out)
{
    if (json_is_boolean(v))
        *out = json_is_true(v);
    else
        report_fault(x->report, pointer, "bad-type", "%s must be true or false", pointer + 1);
}

static bool read_number(struct reading *x, const char *group, const char *key, const json_t *v)
{
    char pointer[96];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct number *n = &numbers[i];
        if (strcmp(n->group, group) != 0 || strcmp(n->key, key) != 0)
            continue;
        snprintf(pointer, sizeof pointer, "%s%s/%s", *group ? "/" : "", group, key);
        double d = json_number_value(v);
        if (!json_is_number(v))
            report_fault(x->report, pointer, "bad-type", "%s must be a number", key);
        else if (!(d >= n->least && d <= n->most))
            report_fault(x->report, pointer, "out-of-range", "%s must be from %g to %g", key,
                         n->least, n->most);
        else
            memcpy((char *)x + n->offset, &d, sizeof d);
        return true;
    }
    return false;
}

static void unknown(struct reading *x, const char *group, const char *key)
{
    char pointer[160];
    snprintf(pointer, sizeof pointer, "%s%s/%.100s", *group ? "/" : "", group, key);
    report_fault(x->report, pointer, "unknown-key", "no such setting");
}

static void read_roles(struct reading *x, const json_t *v)
{
    char pointer[40];
    size_t i;
    const json_t *each;
    enum admin_role role;
    x->roles = 0;
    if (!json_is_array(v)) {
        report_fault(x->report, "/approval/roles", "bad-type", "roles must be a list of names");
        return;
    }
    json_array_foreach(v, i, each)
    {
        bool is_role = admin_role_from_name(str_of(json_string_value(each)), &role) &&
                       (role == ADMIN_EDITOR || role == ADMIN_ADMIN);
        snprintf(pointer, sizeof pointer, "/approval/roles/%zu", i);
        if (is_role)
            x->roles |= 1u << role;
        else
            report_fault(x->report, pointer, "unknown-role",
                         "a role that may publish is editor or admin");
    }
}

static void read_approval(struct reading *x, json_t *o)
{
    const char *key;
    json_t *v;
    json_object_foreach(o, key, v)
    {
        if (strcmp(key, "required") == 0)
            read_bool(x, "/approval/required", v, &x->needs_approval);
        else if (strcmp(key, "roles") == 0)
            read_roles(x, v);
        else
            unknown(x, "approval", key);
    }
}

static void read_return(struct reading *x, json_t *o)
{
    const char *key;
    json_t *v;
    json_object_foreach(o, key, v)
    {
        if (strcmp(key, "enabled") == 0)
            read_bool(x, "/return/enabled", v, &x->may_return);
        else if (!read_number(x, "return", key, v))
            unknown(x, "return", key);
    }
}

static void read_top(struct reading *x, const char *key, json_t *v)
{
    bool is_approval = strcmp(key, "approval") == 0, is_return = strcmp(key, "return") == 0;
    char pointer[16];
    if ((is_approval || is_return) && !json_is_object(v)) {
        snprintf(pointer, sizeof pointer, "/%s", is_approval ? "approval" : "return");
        report_fault(x->report, pointer, "bad-type", "%s must be an object", pointer + 1);
    } else if (is_approval) {
        read_approval(x, v);
    } else if (is_return) {
        read_return(x, v);
    } else if (!read_number(x, "", key, v)) {
        unknown(x, "", key);
    }
}

enum err settings_publishing_parse(struct str document, struct report *report,
                                   struct settings_publishing *out)
{
    struct reading x = {.report = report,
                        .late_minutes = 60,
                        .watch_minutes = 15,
                        .min_requests = 200,
                        .factor = 3,
                        .block_rate = 0.05,
                        .error_rate = 0.5};
    const char *key;
    json_t *v;
    report_init(report);
    json_t *doc = reader_document(document, report);
    json_object_foreach(doc, key, v) read_top(&x, key, v);
    json_decref(doc);
    if (report_has_faults(report))
        return ERR_INVALID;
    *out = (struct settings_publishing){.needs_approval = x.needs_approval,
                                        .roles = x.roles,
                                        .late_ms = (int64_t)(x.late_minutes * 60000),
                                        .may_return = x.may_return,
                                        .watch_ms = (int64_t)(x.watch_minutes * 60000),
                                        .min_requests = (uint64_t)x.min_requests,
                                        .max_block_factor = x.factor,
                                        .min_block_rate = x.block_rate,
                                        .max_error_rate = x.error_rate};
    return OK;
}

/* No role named stands for all who may publish. */
static unsigned roles_of(const struct settings_publishing *p)
{
    return p->roles ? p->roles : 1u << ADMIN_EDITOR | 1u << ADMIN_ADMIN;
}

bool settings_publishing_is_weaker(const struct settings_publishing *before,
                                   const struct settings_publishing *after)
{
    if (!before->needs_approval)
        return false;
    return !after->needs_approval || (roles_of(after) & ~roles_of(before)) != 0;
}
