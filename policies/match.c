/* match: one function a key, called when its stage is known. */
#include "policies/match.h"

#include <string.h>

#define NAME_MAX_BYTES 512 /* of a user, group or extension that can fit anything */
#define FEW            6   /* values that are looked through one by one */

struct matching {
    const struct snapshot *s;
    struct slot *x;
    const struct facts *f;
};

uint32_t match_value(const struct snapshot *s, enum model_key key, struct str text)
{
    const struct key_table *k = &s->keys[key];
    for (uint32_t v = 0; k->n <= FEW && v < k->n; v++)
        if (str_eq(k->text[v], text))
            return v;
    uintptr_t id = k->n > FEW ? (uintptr_t)map_get(&k->ids, text) : 0;
    return id ? (uint32_t)(id - 1) : NO_VALUE;
}

static void hit_text(struct matching *m, enum model_key key, struct str text)
{
    uint32_t value = match_value(m->s, key, text);
    if (value != NO_VALUE)
        match_hit(m->x, key, value);
}

static void hit_lower(struct matching *m, enum model_key key, struct str text)
{
    UNZEROED char lower[NAME_MAX_BYTES];
    if (text.n > sizeof lower)
        return;
    for (size_t i = 0; i < text.n; i++)
        lower[i] = str_lower(text.p[i]);
    hit_text(m, key, str_make(lower, text.n));
}

static void hit_tags(struct matching *m, const struct tags *t, uint32_t item)
{
    for (uint32_t i = t->start[item]; i < t->start[item + 1]; i++)
        match_hit(m->x, t->v[i].key, t->v[i].value);
}

/* --- who: connect and identity ------------------------------------------------------------------
 */

static void on_net(void *ctx, uint32_t id)
{
    struct matching *m = ctx;
    hit_tags(m, &m->s->net_tags, id);
}

static void match_schedules(struct matching *m)
{
    if (m->s->keys[KEY_SCHEDULES].n == 0)
        return;
    for (size_t i = 0; i < m->s->n_schedules; i++)
        if (m->x->inside[i])
            hit_text(m, KEY_SCHEDULES, m->s->schedules[i].model->name);
}

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

void match_who(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    struct matching m = {s, x, f};
    if (s->nets.n)
        set_net_find(&s->nets, &f->client, on_net, &m);
    if (s->keys[KEY_LISTENERS].n)
        hit_text(&m, KEY_LISTENERS, f->listener);
    match_schedules(&m);
    if ((f->known & FACTS_BIT(FACTS_IDENTITY)) && s->model->identity != SNAPSHOT_NEVER)
        match_identity(&m);
}

/* --- target -------------------------------------------------------------------------------------
 */

static void add_categories(struct matching *m, unsigned from)
{
    const struct set_domain_hits *c = &m->x->categories;
    for (unsigned i = from; i < c->n; i++)
        if (m->s->category_value[c->category[i]] != NO_VALUE)
            match_hit(m->x, KEY_CATEGORIES, m->s->category_value[c->category[i]]);
}

static bool has_default_port(const struct facts *f)
{
    return f->port == (f->scheme == FACTS_HTTP ? 80 : 443);
}

static void on_name(void *ctx, uint32_t id)
{
    struct matching *m = ctx;
    const struct tags *t = &m->s->name_tags;
    for (uint32_t i = t->start[id]; i < t->start[id + 1]; i++) {
        unsigned needs = t->v[i].needs; /* of names that were written as patterns */
        if ((needs & TAG_DEFAULT_PORT && !has_default_port(m->f)) ||
            (needs & TAG_WHOLE_HOST && m->f->host.n != m->s->names.text[id].n))
            continue;
        match_hit(m->x, t->v[i].key, t->v[i].value);
    }
}

static void hit_scheme(struct matching *m, unsigned scheme)
{
    if (m->s->scheme_value[scheme] != NO_VALUE)
        match_hit(m->x, KEY_SCHEMES, m->s->scheme_value[scheme]);
}

void match_host(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    struct matching m = {s, x, f};
    if (!(f->known & FACTS_BIT(FACTS_TARGET)))
        return;
    set_name_begin(&s->names, f->host, f->host_is_ip, &x->names);
    if (s->port_class)
        __builtin_prefetch(&s->port_class[f->port]);
    if (!s->index)
        return;
    const struct category_ask ask = {.host = f->host, .is_ip = f->host_is_ip};
    category_host(s->index, &ask, &x->categories);
    x->categories.has_urls |= s->has_expressions;
    add_categories(&m, 0);
}

static void match_target(struct matching *m)
{
    hit_scheme(m, m->f->scheme == FACTS_HTTP ? 0 : 1);
    if (m->f->scheme == FACTS_TUNNEL)
        hit_scheme(m, 2);
    if (m->s->keys[KEY_METHODS].n)
        hit_text(m, KEY_METHODS, m->f->method);
    if (m->s->port_class)
        hit_tags(m, &m->s->port_tags, m->s->port_class[m->f->port]);
    set_name_end(&m->s->names, &m->x->names, on_name, m);
}

/* --- address ------------------------------------------------------------------------------------
 */

static void on_server_net(void *ctx, uint32_t id)
{
    struct matching *m = ctx;
    hit_tags(m, &m->s->server_net_tags, id);
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
    match_hit(m->x, KEY_USER_AGENTS, m->s->agent_value[index]);
}

struct str match_path(struct str url)
{
    size_t at = str_find(url, ':'); /* no scheme has one */
    if (at == STR_NPOS || !str_starts(str_sub(url, at, url.n), STR("://")))
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
        m->x->is_given_up |=
            set_url_match(m->s->patterns, m->x->patterns, m->f->url, on_pattern, m);
    if (m->s->agents && m->f->user_agent.n)
        m->x->is_given_up |=
            set_url_match(m->s->agents, m->x->agents, m->f->user_agent, on_agent, m);
    struct set_domain_hits *c = &m->x->categories;
    if (m->s->keys[KEY_EXTENSIONS].n == 0 && !c->has_urls)
        return;
    struct str path = match_path(m->f->url);
    if (m->s->keys[KEY_EXTENSIONS].n)
        hit_lower(m, KEY_EXTENSIONS, extension_of(path));
    if (!c->has_urls)
        return;
    unsigned before = c->n;
    const struct category_ask ask = {.host = m->f->host,
                                     .is_ip = m->f->host_is_ip,
                                     .port = m->f->port,
                                     .url = m->f->url,
                                     .path = path};
    m->x->is_given_up |=
        category_url(m->s->index, m->s->has_expressions ? m->x->expressions : NULL, &ask, c);
    add_categories(m, before);
}

/* --- answer -------------------------------------------------------------------------------------
 */

static void match_answer(struct matching *m)
{
    const struct key_table *types = &m->s->keys[KEY_CONTENT_TYPES];
    if (types->n && m->f->content_type.n) {
        hit_lower(m, KEY_CONTENT_TYPES, m->f->content_type);
        UNZEROED char any[NAME_MAX_BYTES];
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
                match_hit(m->x, key, v);
        }
    }
}

/* An address with another one inside leads there: it lies in the networks of both. */
static void match_server(struct matching *m)
{
    struct ip inner;
    set_net_find(&m->s->server_nets, &m->f->server, on_server_net, m);
    if (ip_inner_v4(&m->f->server, &inner))
        set_net_find(&m->s->server_nets, &inner, on_server_net, m);
}

void match_request(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    struct matching m = {s, x, f};
    if (f->known & FACTS_BIT(FACTS_TARGET))
        match_target(&m);
    if ((f->known & FACTS_BIT(FACTS_ADDRESS)) && s->server_nets.n)
        match_server(&m);
    if (f->known & FACTS_BIT(FACTS_URL))
        match_url(&m);
    if (f->known & FACTS_BIT(FACTS_ANSWER))
        match_answer(&m);
    /* Only a host with URL entries can still get a category from its URL. */
    if ((f->known & FACTS_BIT(FACTS_TARGET)) && !x->categories.has_urls)
        x->unknown_parts[KEY_CATEGORIES] &= ~2u;
}

void match_begin(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    unsigned known = f->known;
    if (s->index && (known & FACTS_BIT(FACTS_TARGET)))
        category_prefetch(s->index, f->host, f->host_is_ip);
    if (s->model->identity == SNAPSHOT_NEVER)
        known |= FACTS_BIT(FACTS_IDENTITY);
    if (++x->epoch == 0) { /* once in four billion decisions */
        for (int k = 0; k < MODEL_N_KEYS; k++)
            memset(x->hits[k].epoch, 0, s->keys[k].n * sizeof(uint32_t));
        x->epoch = 1;
    }
    for (unsigned i = 0; i < s->n_used; i++) {
        unsigned k = s->used[i];
        const uint8_t *needs = s->needs[k];
        x->hits[k].n = 0;
        x->unknown_parts[k] =
            (known & needs[0] ? 0 : 1u) | (known & needs[1] ? 0 : 2u) | (known & needs[2] ? 0 : 4u);
    }
    x->categories.n = 0;
    x->categories.has_urls = false;
    x->is_given_up = false;
}
