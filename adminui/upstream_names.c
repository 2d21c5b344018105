/* upstream_names: the names that are there, and a walk over the rules. */
#include "adminui/upstream_names.h"

#include <stdio.h>
#include <string.h>

#include "adminui/desk.h"
#include "db/settings_rows.h"

static json_t *groups_of(struct call *c)
{
    struct settings_row row = {0};
    if (settings_rows_get(c->desk->store, &c->arena, STR("upstreams"), &row) != OK)
        return json_array();
    json_t *settings = json_loadb(row.document.p, row.document.n, 0, NULL);
    json_t *groups = json_incref(json_object_get(settings, "groups"));
    json_decref(settings);
    return groups;
}

static bool is_known(const json_t *groups, const char *name)
{
    size_t i;
    const json_t *g;
    if (strcmp(name, "direct") == 0)
        return true;
    json_array_foreach(groups, i, g)
    {
        const char *its = json_string_value(json_object_get(g, "name"));
        if (its && strcmp(its, name) == 0)
            return true;
    }
    return false;
}

void upstream_names_warn(struct call *c, struct str document, json_t *warnings)
{
    char pointer[48];
    size_t i;
    const json_t *rule;
    if (str_find_str(document, STR("\"upstream\"")) == STR_NPOS)
        return; /* most documents: not read a second time */
    json_t *doc = json_loadb(document.p, document.n, 0, NULL), *groups = groups_of(c);
    json_array_foreach(json_object_get(doc, "rules"), i, rule)
    {
        const char *name = json_string_value(json_object_get(rule, "upstream"));
        if (!name || is_known(groups, name))
            continue;
        snprintf(pointer, sizeof pointer, "/rules/%zu/upstream", i);
        json_array_append_new(
            warnings,
            json_pack("{s:s,s:s,s:s}", "pointer", pointer, "code", "unknown-upstream", "message",
                      "There is no group of parent proxies of this name in the settings; "
                      "what this rule lets through would fail."));
    }
    json_decref(groups);
    json_decref(doc);
}
