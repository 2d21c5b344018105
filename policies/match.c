/* match: one function a key, called when its stage is known. */
#include "policies/match.h"

#include <string.h>

#define NAME_MAX_BYTES 512 /* of a user, group or extension that can fit anything */

struct matching {
    const struct snapshot *s;
    struct slot *x;
    const struct facts *f;
};

static void hit(struct slot *x, unsigned key, uint32_t value)
{
    struct hit_list *h = &x->hits[key];
    if (h->epoch[value] == x->epoch)
        return;
    h->epoch[value] = x->epoch;
    h->ids[h->n++] = value;
}

static void hit_text(struct matching *m, unsigned key, struct str text)
{
    uintptr_t id = (uintptr_t)map_get(&m->s->keys[key].ids, text);
    if (id)
        hit(m->x, key, (uint32_t)(id - 1));
}

static void hit_lower(struct matching *m, unsigned key, struct str text)
{
    char lower[NAME_MAX_BYTES];
    if (text.n > sizeof lower)
        return;
    for (size_t i = 0; i < text.n; i++)
        lower[i] = str_lower(text.p[i]);
    hit_text(m, key, str_make(lower, text.n));
}

static void hit_tags(struct matching *m, const struct tags *t, uint32_t item)
{
    for (uint32_t i = t->start[item]; i < t->start[item + 1]; i++)
        hit(m->x, t->v[i].key, t->v[i].value);
}

/* --- connect ------------------------------------------------------------------------------------
 */

static void on_net(void *ctx, uint32_t id)
{
    struct matching *m = ctx;
    hit_tags(m, &m->s->net_tags, id);
}

static void match_schedules(struct matching *m)
{
    const struct key_table *k = &m->s->keys[KEY_SCHEDULES];
    int64_t minute = m->f->now_ms / 60000;
    if (k->n == 0)
        return;
    if (m->x->minute != minute) {
        for (size_t i = 0; i < m->s->n_schedules; i++)
            m->x->inside[i] = schedule_has(&m->s->schedules[i], minute * 60000);
        m->x->minute = minute;
    }
    for (size_t i = 0; i < m->s->n_schedules; i++)
        if (m->x->inside[i])
            hit_text(m, KEY_SCHEDULES, m->s->schedules[i].model->name);
}

static void match_connect(struct matching *m)
{
    if (m->s->nets.n)
        set_net_find(&m->s->nets, &m->f->client, on_net, m);
    if (m->s->keys[KEY_LISTENERS].n)
        hit_text(m, KEY_LISTENERS, m->f->listener);
    match_schedules(m);
}

/* --- target -------------------------------------------------------------------------------------
 */

static void match_categories(struct matching *m)
{
    struct set_domain_hits *c = &m->x->categories;
    if (!m->s->index)
        return;
    set_domain_host(category_index_view(m->s->index), m->f->host, m->f->host_is_ip, c);
    for (unsigned i = 0; i < c->n; i++)
        if (m->s->category_value[c->category[i]] != NO_VALUE)
            hit(m->x, KEY_CATEGORIES, m->s->category_value[c->category[i]]);
}

static void on_name(void *ctx, uint32_t id)
{
    struct matching *m = ctx;
    hit_tags(m, &m->s->name_tags, id);
}

static void match_target(struct matching *m)
{
    if (m->s->keys[KEY_SCHEMES].n) {
        bool is_tunnel = m->f->scheme == FACTS_TUNNEL;
        hit_text(m, KEY_SCHEMES, m->f->scheme == FACTS_HTTP ? STR("http") : STR("https"));
        if (is_tunnel)
            hit_text(m, KEY_SCHEMES, STR("connect"));
    }
    if (m->s->keys[KEY_METHODS].n)
        hit_text(m, KEY_METHODS, m->f->method);
    if (m->s->port_class)
        hit_tags(m, &m->s->port_tags, m->s->port_class[m->f->port]);
    match_categories(m);
    set_name_find(&m->s->names, m->f->host, m->f->host_is_ip, on_name, m);
}

/* --- identity -----------------------------------------------------------------------------------
 */

static void match_identity(struct matching *m)
{
    if (m->f->user.n == 0)
        return;
    if (m->s->keys[KEY_USERS].n) {
        hit_lower(m, KEY_USERS, m->f->user);
        hit_text(m, KEY_USERS, STR("*")); /* anybody who is somebody */
    }
    if (m->s->keys[KEY_GROUPS].n)
        for (size_t i = 0; i < m->f->n_groups; i++)
            hit_lower(m, KEY_GROUPS, m->f->groups[i]);
}

/* --- url ----------------------------------------------------------------------------------------
 */

static void on_pattern(void *ctx, uint32_t index)
{
    struct matching *m = ctx;
    hit_tags(m, &m->s->pattern_tags, index);
}

static void on_agent(void *ctx, uint32_t index)
{
    struct matching *m = ctx;
    hit(m->x, KEY_USER_AGENTS, m->s->agent_value[index]);
}

/* Behind "scheme://host[:port]". */
static struct str path_of(struct str url)
{
    size_t at = str_find_str(url, STR("://"));
    if (at == STR_NPOS)
        return STR("/");
    struct str rest = str_sub(url, at + 3, url.n);
    size_t slash = str_find(rest, '/');
    return slash == STR_NPOS ? STR("/") : str_sub(rest, slash, rest.n);
}

static struct str extension_of(struct str path)
{
    size_t query = str_find(path, '?');
    struct str p = query == STR_NPOS ? path : str_sub(path, 0, query);
    size_t slash = str_rfind(p, '/');
    struct str name = slash == STR_NPOS ? p : str_sub(p, slash + 1, p.n);
    size_t dot = str_rfind(name, '.');
    return dot == STR_NPOS ? str_sub(name, 0, 0) : str_sub(name, dot + 1, name.n);
}

static void match_url(struct matching *m)
{
    if (m->s->patterns)
        set_url_match(m->s->patterns, m->x->patterns, m->f->url, on_pattern, m);
    if (m->s->agents && m->f->user_agent.n)
        set_url_match(m->s->agents, m->x->agents, m->f->user_agent, on_agent, m);
    if (m->s->keys[KEY_EXTENSIONS].n)
        hit_lower(m, KEY_EXTENSIONS, extension_of(path_of(m->f->url)));
    struct set_domain_hits *c = &m->x->categories;
    if (!c->has_urls)
        return;
    unsigned before = c->n;
    set_domain_url(category_index_view(m->s->index), m->f->host, m->f->host_is_ip,
                   path_of(m->f->url), c);
    for (unsigned i = before; i < c->n; i++)
        if (m->s->category_value[c->category[i]] != NO_VALUE)
            hit(m->x, KEY_CATEGORIES, m->s->category_value[c->category[i]]);
}

/* --- answer -------------------------------------------------------------------------------------
 */

static void match_answer(struct matching *m)
{
    const struct key_table *types = &m->s->keys[KEY_CONTENT_TYPES];
    if (types->n && m->f->content_type.n) {
        hit_lower(m, KEY_CONTENT_TYPES, m->f->content_type);
        char any[NAME_MAX_BYTES];
        size_t slash = str_find(m->f->content_type, '/');
        if (slash != STR_NPOS && slash + 2 < sizeof any) {
            memcpy(any, m->f->content_type.p, slash + 1);
            any[slash + 1] = '*';
            hit_lower(m, KEY_CONTENT_TYPES, str_make(any, slash + 2));
        }
    }
    if (m->f->size_bytes == UINT64_MAX)
        return;
    for (unsigned key = KEY_MIN_BYTES; key <= KEY_MAX_BYTES; key++) {
        const struct key_table *k = &m->s->keys[key];
        for (uint32_t v = 0; v < k->n; v++) {
            uint64_t bound = 0;
            if (str_to_u64(k->text[v], UINT64_MAX, &bound) == OK &&
                (key == KEY_MIN_BYTES ? m->f->size_bytes >= bound : m->f->size_bytes <= bound))
                hit(m->x, key, v);
        }
    }
}

static void find_unknown(const struct snapshot *s, struct slot *x, const struct facts *f,
                         unsigned known)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        x->unknown_parts[k] = 0;
        for (unsigned p = 0; p < PARTS_MAX; p++)
            if (s->keys[k].n && !(known & FACTS_BIT(snapshot_stage((enum model_key)k, p))))
                x->unknown_parts[k] |= 1u << p;
    }
    /* Only a host with URL entries can still get a category from its URL. */
    if ((f->known & FACTS_BIT(FACTS_TARGET)) && !x->categories.has_urls)
        x->unknown_parts[KEY_CATEGORIES] &= ~2u;
}

void match_facts(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    struct matching m = {s, x, f};
    unsigned known = f->known;
    if (s->model->identity == SNAPSHOT_NEVER)
        known |= FACTS_BIT(FACTS_IDENTITY);
    if (++x->epoch == 0) { /* once in four billion decisions */
        for (int k = 0; k < MODEL_N_KEYS; k++)
            memset(x->hits[k].epoch, 0, s->keys[k].n * sizeof(uint32_t));
        x->epoch = 1;
    }
    for (int k = 0; k < MODEL_N_KEYS; k++)
        x->hits[k].n = 0;
    x->categories.n = 0;
    x->categories.has_urls = false;
    match_connect(&m);
    if (f->known & FACTS_BIT(FACTS_TARGET))
        match_target(&m);
    if ((f->known & FACTS_BIT(FACTS_IDENTITY)) && s->model->identity != SNAPSHOT_NEVER)
        match_identity(&m);
    if (f->known & FACTS_BIT(FACTS_URL))
        match_url(&m);
    if (f->known & FACTS_BIT(FACTS_ANSWER))
        match_answer(&m);
    find_unknown(s, x, f, known);
}
