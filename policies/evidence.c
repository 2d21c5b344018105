/* evidence: the entry behind a hit. */
#include "policies/evidence.h"

#include "base/host.h"
#include "policies/pattern_host.h"

struct looking {
    const struct snapshot *s;
    uint32_t value; /* of KEY_LISTS */
    struct str found;
};

static void on_pattern(void *ctx, uint32_t index)
{
    struct looking *l = ctx;
    const struct tags *t = &l->s->pattern_tags;
    for (uint32_t i = t->start[index]; i < t->start[index + 1]; i++)
        if (t->v[i].key == KEY_LISTS && t->v[i].value == l->value && !l->found.n)
            l->found = l->s->pattern_text[index];
}

static struct str pattern_entry(const struct snapshot *s, const struct slot *x,
                                const struct facts *f, struct str list)
{
    uintptr_t id = (uintptr_t)map_get(&s->keys[KEY_LISTS].ids, list);
    struct looking l = {.s = s, .value = (uint32_t)(id - 1)};
    if (id && s->patterns && (f->known & FACTS_BIT(FACTS_URL)))
        set_url_match(s->patterns, x->patterns, f->url, on_pattern, &l);
    return l.found;
}

static bool has_name(const struct facts *f, struct str name)
{
    return f->host_is_ip ? str_eq(f->host, name) : host_is_below(f->host, name);
}

/* A pattern of the list that was made a name (compile_patterns) and fits the host. */
static struct str host_pattern_entry(const struct facts *f, const struct model_list *l)
{
    struct pattern_host h;
    bool is_own_port = f->port == (f->scheme == FACTS_HTTP ? 80 : 443);
    for (size_t i = 0; i < l->n; i++) {
        if (!pattern_host_read(l->v[i], &h) || !(h.has_any_port || is_own_port))
            continue;
        struct str name = str_of(h.name);
        bool is_www = h.has_www && str_starts(f->host, STR("www.")) &&
                      str_eq(str_sub(f->host, 4, f->host.n), name);
        if (h.has_below ? has_name(f, name) : is_www || str_eq(f->host, name))
            return l->v[i];
    }
    return (struct str){0};
}

static struct str list_entry(const struct snapshot *s, const struct slot *x, const struct facts *f,
                             struct str name)
{
    const struct model_list *l = model_list_named(s->model, name);
    struct str best = {0};
    struct cidr net;
    if (l && l->kind == LIST_URL_PATTERNS) {
        best = host_pattern_entry(f, l);
        return best.n ? best : pattern_entry(s, x, f, name);
    }
    for (size_t i = 0; l && i < l->n; i++) {
        bool is_hit = l->kind == LIST_DOMAINS
                          ? has_name(f, l->v[i])
                          : cidr_parse(l->v[i], &net) == OK && cidr_has(&net, &f->client);
        if (is_hit && l->v[i].n > best.n)
            best = l->v[i];
    }
    return best;
}

static struct str in_category(const struct snapshot *s, struct slot *x, const struct facts *f,
                              struct str name)
{
    bool has_url = f->known & FACTS_BIT(FACTS_URL);
    const struct category_ask ask = {.host = f->host,
                                     .is_ip = f->host_is_ip,
                                     .port = f->port,
                                     .url = has_url ? f->url : (struct str){0},
                                     .path = has_url ? match_path(f->url) : (struct str){0}};
    if (!s->index || !category_entry(s->index, x->expressions, &ask, name, &x->entry))
        return (struct str){0};
    return category_entry_text(&x->entry);
}

struct str evidence_entry(const struct snapshot *s, struct slot *x, const struct facts *f,
                          enum model_key key, struct str value)
{
    if (key == KEY_LISTS)
        return list_entry(s, x, f, value);
    if (key == KEY_CATEGORIES)
        return in_category(s, x, f, value);
    return (struct str){0};
}
