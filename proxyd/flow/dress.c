/* dress: names to drop, lines to add. */
#include "proxyd/flow/dress.h"

#include "policies/safe_search.h"
#include "proxyd/flow/context.h"

#define LINES_MAX ((size_t)128 * 1024)

static void add_line(struct buf *lines, struct str name, struct str value)
{
    buf_add(lines, name);
    buf_add(lines, STR(": "));
    buf_add(lines, value);
    buf_add(lines, STR("\r\n"));
}

/* The client's copy goes first, so that nobody overrules the rule by sending the field himself. */
static void set_field(struct str *names, size_t *n, struct buf *lines, struct effects_header h)
{
    names[(*n)++] = h.name;
    if (h.value.p)
        add_line(lines, h.name, h.value);
}

static enum err rewrite_query(struct request *r, struct str query, struct http_forward *how)
{
    struct work *k = r->k;
    struct buf b;
    if (query.n == 0 || k->req.method != HTTP_GET)
        return OK;
    buf_init(&b, k->req.url.path_query.n + query.n + 8);
    safe_search_rewrite(k->req.url.path_query, query, &b);
    how->path_query = arena_str(&k->arena, buf_str(&b));
    enum err e = b.failed || !how->path_query.p ? ERR_NOMEM : OK;
    buf_fini(&b);
    return e;
}

enum err dress_request(struct request *r, struct http_forward *how)
{
    struct work *k = r->k;
    const struct effects *x = k->verdict.effects;
    struct safe_search_extra safe;
    if (!k->is_final || !x || (x->n_headers == 0 && x->safe_search == EFFECTS_SAFE_OFF))
        return OK;
    safe_search_extra(x->safe_search, k->host, &safe);
    struct str *names = arena_alloc(&k->arena, (x->n_headers + 1) * sizeof *names);
    struct buf lines;
    size_t n = 0;
    if (!names)
        return ERR_NOMEM;
    buf_init(&lines, LINES_MAX);
    for (size_t i = 0; i < x->n_headers; i++)
        set_field(names, &n, &lines, x->headers[i]);
    if (safe.header.n)
        set_field(names, &n, &lines, (struct effects_header){safe.header, safe.value});
    how->drop_names = names;
    how->n_drop_names = n;
    how->extra = arena_str(&k->arena, buf_str(&lines));
    enum err e = lines.failed || !how->extra.p ? ERR_NOMEM : OK;
    buf_fini(&lines);
    return e == OK ? rewrite_query(r, safe.query, how) : e;
}
