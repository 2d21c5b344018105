/* category_entry: asks for each text an entry can have, one after the other. */
#include "policies/category_entry.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/host.h"
#include "policies/category_layout.h"

struct looking {
    const struct set_domain *d;
    const struct category_ask *ask;
    uint16_t category; /* its own number in d */
    struct category_entry *out;
};

static bool keep(struct looking *l, enum category_kind kind, struct str text)
{
    if (text.n > sizeof l->out->text)
        return false;
    l->out->kind = kind;
    memcpy(l->out->text, text.p, text.n);
    l->out->n = text.n;
    return true;
}

static bool by_name(struct looking *l)
{
    for (struct str name = l->ask->host; name.n; name = host_parent(name)) {
        if (set_domain_has(l->d, name, SET_DOMAIN_NAME, l->category))
            return keep(l, l->ask->is_ip ? CATEGORY_ADDRESS : CATEGORY_NAME, name);
        if (l->ask->is_ip)
            return false;
    }
    return false;
}

static bool by_net(struct looking *l)
{
    struct ip ip;
    struct buf text;
    bool is_found = false;
    if (!l->ask->is_ip || ip_parse(l->ask->host, &ip) != OK)
        return false;
    buf_init(&text, 256);
    for (int bits = 128; bits >= 0 && !is_found; bits--) {
        struct cidr net = cidr_of(&ip, (uint8_t)bits);
        buf_clear(&text);
        cidr_format(&net, &text);
        is_found = set_domain_has(l->d, buf_str(&text), SET_DOMAIN_NET, l->category) &&
                   keep(l, CATEGORY_NET, buf_str(&text));
    }
    buf_fini(&text);
    return is_found;
}

/* "name[:port]" and each prefix of the path, the longest first. */
static bool by_path(struct looking *l, struct str name, const char *port)
{
    char *text = l->out->text;
    int n = snprintf(text, sizeof l->out->text, "%.*s%s", STR_ARG(name), port);
    if (n < 0 || (size_t)n >= sizeof l->out->text)
        return false;
    struct str path = str_sub(l->ask->path, 0, sizeof l->out->text - (size_t)n);
    memcpy(text + n, path.p, path.n);
    for (size_t i = path.n; i > 0; i--) {
        bool is_cut = i == path.n || i == 1 || strchr("/?&", path.p[i]);
        if (!is_cut ||
            !set_domain_has(l->d, str_make(text, (size_t)n + i), SET_DOMAIN_URL, l->category))
            continue;
        l->out->kind = CATEGORY_URL;
        l->out->n = (size_t)n + i;
        return true;
    }
    return false;
}

static bool by_url(struct looking *l)
{
    char port[8];
    snprintf(port, sizeof port, ":%u", (unsigned)l->ask->port);
    for (struct str name = l->ask->host; l->ask->path.n && name.n; name = host_parent(name)) {
        if ((l->ask->port && by_path(l, name, port)) || by_path(l, name, ""))
            return true;
        if (l->ask->is_ip)
            return false;
    }
    return false;
}

static bool in_one(const struct set_domain *d, const struct category_ask *ask, struct str name,
                   struct category_entry *out)
{
    struct looking l = {.d = d, .ask = ask, .out = out};
    uint32_t n = set_domain_n_categories(d), c = 0;
    while (c < n && !str_eq(set_domain_category(d, c), name))
        c++;
    l.category = (uint16_t)c;
    return c < n && (by_name(&l) || by_net(&l) || by_url(&l));
}

struct first {
    const struct category_index *x;
    struct str name;
    struct str found;
};

static void on_expression(void *ctx, uint32_t index)
{
    struct first *f = ctx;
    uint16_t category;
    struct str text = set_domain_expression(&f->x->main, f->x->expression[index], &category);
    if (f->found.p == NULL && str_eq(set_domain_category(&f->x->main, category), f->name))
        f->found = text;
}

bool category_entry(const struct category_index *x, struct category_scratch *s,
                    const struct category_ask *ask, struct str name, struct category_entry *out)
{
    const struct category_index *m = category_main(x);
    out->pattern = (struct str){0};
    out->is_local = x->local.base && in_one(&x->local, ask, name, out);
    if (out->is_local)
        return true;
    if (m && in_one(&m->main, ask, name, out))
        return true;
    if (!m || !m->patterns || !s || !ask->url.n)
        return false;
    struct first f = {.x = m, .name = name};
    set_url_match(m->patterns, (struct set_url_scratch *)s, ask->url, on_expression, &f);
    out->kind = CATEGORY_PATTERN;
    out->pattern = f.found;
    return f.found.p != NULL;
}

struct str category_entry_text(const struct category_entry *e)
{
    return e->kind == CATEGORY_PATTERN ? e->pattern : str_make(e->text, e->n);
}

const char *category_kind_name(enum category_kind k)
{
    static const char *const names[] = {"domain", "ip", "network", "url", "expression"};
    return names[k];
}
