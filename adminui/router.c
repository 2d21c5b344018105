/* router: every row is looked at; with fewer than a hundred rows that costs microseconds. */
#include "adminui/router.h"

#include "adminui/query.h"

#define BASE STR("/api/v1")

/* One segment against its pattern; *value is set for a {name}. A bare {name} takes no colon: that
 * would be a verb nobody knows. */
static bool segment_fits(struct str pattern, struct str segment, struct str *value)
{
    if (!pattern.n || pattern.p[0] != '{')
        return str_eq(pattern, segment);
    struct str verb = str_sub(pattern, str_find(pattern, '}') + 1, pattern.n);
    if (!str_ends(segment, verb) || segment.n == verb.n)
        return false;
    struct str v = str_sub(segment, 0, segment.n - verb.n);
    if (str_find(v, ':') != STR_NPOS)
        return false;
    *value = v;
    return true;
}

static bool path_fits(struct str pattern, struct str path, struct str params[ROUTER_PARAMS_MAX])
{
    struct str a, b, value = {0};
    size_t n = 0;
    while (pattern.n && path.n) {
        str_split(&pattern, '/', &a);
        str_split(&path, '/', &b);
        value.n = 0;
        if (!segment_fits(a, b, &value))
            return false;
        if (value.n && n < ROUTER_PARAMS_MAX)
            params[n++] = value;
    }
    return !pattern.n && !path.n;
}

static void add_allow(struct buf *allow, const char *method)
{
    if (allow->n)
        buf_add_z(allow, ", ");
    buf_add_z(allow, method);
    if (str_eq(str_of(method), STR("GET")))
        buf_add_z(allow, ", HEAD");
}

enum err router_find(const struct route *table, struct str method, struct str path, struct arena *a,
                     struct router_match *m)
{
    bool is_api = str_starts(path, STR("/api/v1/"));
    struct str below = is_api ? str_sub(path, BASE.n, path.n) : path;
    *m = (struct router_match){0};
    buf_init(&m->allow, 256);
    if (str_eq(method, STR("HEAD")))
        method = STR("GET");
    for (const struct route *r = table; r->method; r++) {
        struct str raw[ROUTER_PARAMS_MAX] = {0};
        if (r->is_root == is_api || !path_fits(str_of(r->pattern), below, raw))
            continue;
        if (!str_eq(method, str_of(r->method))) {
            add_allow(&m->allow, r->method);
            continue;
        }
        for (int i = 0; i < ROUTER_PARAMS_MAX; i++) {
            enum err e = query_decode(raw[i], false, a, &m->params[i]);
            if (e != OK)
                return e;
        }
        m->route = r;
        return OK;
    }
    return OK;
}
