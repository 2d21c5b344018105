/* lint_cover: values compared by their kind; large sets through a table. */
#include "policies/lint_cover.h"

#include <stdlib.h>

#include "base/host.h"
#include "base/map.h"
#include "policies/model_values.h"

#define MANY 4096 /* pairs of values, from which on a table is made */

unsigned lint_cover_keys(const struct model_rule *r, enum model_side side)
{
    unsigned keys = 0;
    for (int k = 0; k < MODEL_N_KEYS; k++)
        keys |= r->cond[side][k].n ? 1u << k : 0;
    return keys;
}

/* --- two values ---------------------------------------------------------------------------------
 */

static bool net_covers(struct str a, struct str b)
{
    struct cidr x, y;
    return cidr_parse(a, &x) == OK && cidr_parse(b, &y) == OK && x.bits <= y.bits &&
           cidr_has(&x, &y.ip);
}

static bool ports_of(struct str s, uint16_t *from, uint16_t *to)
{
    return model_values_port(s, from, to);
}

static bool port_covers(struct str a, struct str b)
{
    uint16_t a0, a1, b0, b1;
    return ports_of(a, &a0, &a1) && ports_of(b, &b0, &b1) && a0 <= b0 && a1 >= b1;
}

static bool ports_meet(struct str a, struct str b)
{
    uint16_t a0, a1, b0, b1;
    return ports_of(a, &a0, &a1) && ports_of(b, &b0, &b1) && a0 <= b1 && b0 <= a1;
}

/* "video/" of "video/" and a star; empty when it is no such type. */
static struct str wild_type(struct str s)
{
    return str_ends(s, STR("/*")) ? str_sub(s, 0, s.n - 1) : str_sub(s, 0, 0);
}

static uint64_t number_of(struct str s)
{
    uint64_t v = 0;
    return str_to_u64(s, UINT64_MAX, &v) == OK ? v : 0;
}

static bool value_covers(enum model_key key, struct str a, struct str b)
{
    if (str_eq(a, b))
        return true;
    switch ((int)key) {
    case KEY_USERS: return str_eq(a, STR("*"));
    case KEY_NETWORKS:
    case KEY_SERVER_NETWORKS: return net_covers(a, b);
    case KEY_SCHEMES: return str_eq(a, STR("https")) && str_eq(b, STR("connect"));
    case KEY_PORTS: return port_covers(a, b);
    case KEY_HOSTS: return host_is_below(b, a);
    case KEY_CONTENT_TYPES: return wild_type(a).n && str_starts(b, wild_type(a));
    case KEY_MIN_BYTES: return number_of(a) <= number_of(b);
    case KEY_MAX_BYTES: return number_of(a) >= number_of(b);
    default: return false;
    }
}

/* Is it sure that some request has both? */
static bool values_meet(enum model_key key, struct str a, struct str b)
{
    if (key == KEY_PORTS)
        return ports_meet(a, b);
    return value_covers(key, a, b) || value_covers(key, b, a);
}

/* May a request have several values of this key that have nothing to do with each other? */
static bool is_manifold(enum model_key key)
{
    return key == KEY_GROUPS || key == KEY_SCHEDULES || key == KEY_URL_PATTERNS ||
           key == KEY_CATEGORIES || key == KEY_LISTS || key == KEY_USER_AGENTS ||
           key == KEY_MIN_BYTES || key == KEY_MAX_BYTES;
}

/* --- two sets of values -------------------------------------------------------------------------
 */

static bool covers_one(enum model_key key, const struct model_values *a, struct str b)
{
    for (size_t i = 0; i < a->n; i++)
        if (value_covers(key, a->v[i], b))
            return true;
    return false;
}

static bool table_has(const struct map *table, enum model_key key, struct str b)
{
    if (map_get(table, b))
        return true;
    for (struct str up = host_parent(b); key == KEY_HOSTS && up.n; up = host_parent(up))
        if (map_get(table, up))
            return true;
    return false;
}

/* For keys whose values cover by being equal, or by being a name above. */
static bool covers_many(enum model_key key, const struct model_values *a,
                        const struct model_values *b)
{
    struct map table;
    static char mark;
    bool all = true;
    map_init(&table);
    for (size_t i = 0; i < a->n && all; i++)
        all = map_put(&table, a->v[i], &mark, NULL) == OK;
    for (size_t i = 0; i < b->n && all; i++)
        all = table_has(&table, key, b->v[i]);
    map_fini(&table);
    return all;
}

bool lint_cover_values(enum model_key key, const struct model_values *a,
                       const struct model_values *b)
{
    bool is_plain =
        key == KEY_HOSTS || key == KEY_GROUPS || key == KEY_URL_PATTERNS || key == KEY_EXTENSIONS;
    if (is_plain && a->n > 1 && a->n * b->n > MANY)
        return covers_many(key, a, b);
    for (size_t i = 0; i < b->n; i++)
        if (!covers_one(key, a, b->v[i]))
            return false;
    return true;
}

bool lint_cover_meets(enum model_key key, const struct model_values *a,
                      const struct model_values *b)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < b->n; j++)
            if (values_meet(key, a->v[i], b->v[j]))
                return true;
    return false;
}

/* By a table: does a name of either stand at or above one of the other? */
static bool hosts_apart(const struct model_values *a, const struct model_values *b)
{
    struct map tables[2];
    const struct model_values *sides[] = {a, b};
    static char mark;
    bool apart = true;
    map_init(&tables[0]);
    map_init(&tables[1]);
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s]->n && apart; i++)
            apart = map_put(&tables[s], sides[s]->v[i], &mark, NULL) == OK;
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s]->n && apart; i++)
            apart = !table_has(&tables[1 - s], KEY_HOSTS, sides[s]->v[i]);
    map_fini(&tables[0]);
    map_fini(&tables[1]);
    return apart;
}

bool lint_cover_apart(enum model_key key, const struct model_values *a,
                      const struct model_values *b)
{
    if (is_manifold(key))
        return false;
    if (key == KEY_HOSTS && a->n * b->n > MANY)
        return hosts_apart(a, b);
    return !lint_cover_meets(key, a, b);
}

/* --- lists and rules ----------------------------------------------------------------------------
 */

bool lint_cover_entries(const struct model *m, const struct model_values *v,
                        enum model_list_kind kind, struct model_values *out)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct model_list *l = model_list_named(m, v->v[i]);
        if (!l || l->kind != kind)
            return false;
        n += l->n;
    }
    *out = (struct model_values){.v = calloc(n + 1, sizeof *out->v)};
    for (size_t i = 0; out->v && i < v->n; i++) {
        const struct model_list *l = model_list_named(m, v->v[i]);
        for (size_t e = 0; e < l->n; e++)
            out->v[out->n++] = l->v[e];
    }
    return out->v != NULL;
}

/* The key whose values a list of this kind holds. */
static enum model_key key_of(enum model_list_kind kind)
{
    return kind == LIST_DOMAINS ? KEY_HOSTS : KEY_NETWORKS;
}

/* Lists against the values they are made of, either way round. */
static bool covers_by_list(const struct model *m, enum model_key key, const struct model_values *a,
                           const struct model_rule *b)
{
    static const enum model_list_kind kinds[] = {LIST_DOMAINS, LIST_NETWORKS};
    struct model_values entries;
    bool covers = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !covers; i++) {
        const struct model_values *own = &b->cond[SIDE_WHEN][key_of(kinds[i])];
        const struct model_values *lists = &b->cond[SIDE_WHEN][KEY_LISTS];
        if (key == KEY_LISTS && own->n && lint_cover_entries(m, a, kinds[i], &entries)) {
            covers = lint_cover_values(key_of(kinds[i]), &entries, own);
            free(entries.v);
        } else if (key == key_of(kinds[i]) && lists->n &&
                   lint_cover_entries(m, lists, kinds[i], &entries)) {
            covers = lint_cover_values(key, a, &entries);
            free(entries.v);
        }
    }
    return covers;
}

static bool names_anybody(const struct model_values *users)
{
    return covers_one(KEY_USERS, users, STR("*"));
}

/* Does this condition of a's `when` fit whenever b fits? */
static bool when_covers(const struct model *m, enum model_key key, const struct model_values *a,
                        const struct model_rule *b)
{
    const struct model_values *same = &b->cond[SIDE_WHEN][key];
    if (same->n && lint_cover_values(key, a, same))
        return true;
    if (key == KEY_USERS && b->cond[SIDE_WHEN][KEY_GROUPS].n && names_anybody(a))
        return true; /* who is in a group is somebody */
    return covers_by_list(m, key, a, b);
}

/* Can this condition of a's `unless` fit only where b does not? */
static bool unless_spares(enum model_key key, const struct model_values *a,
                          const struct model_rule *b)
{
    const struct model_values *unless = &b->cond[SIDE_UNLESS][key];
    const struct model_values *when = &b->cond[SIDE_WHEN][key];
    return (unless->n && lint_cover_values(key, unless, a)) ||
           (when->n && lint_cover_apart(key, a, when));
}

bool lint_cover_rule(const struct model *m, const struct model_rule *a, const struct model_rule *b)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        const struct model_values *when = &a->cond[SIDE_WHEN][k];
        const struct model_values *unless = &a->cond[SIDE_UNLESS][k];
        if ((when->n && !when_covers(m, (enum model_key)k, when, b)) ||
            (unless->n && !unless_spares((enum model_key)k, unless, b)))
            return false;
    }
    return true;
}
