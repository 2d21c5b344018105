/* disclose: modes to veils, lines about the client. */
#include "proxyd/flow/disclose.h"

#include <stdlib.h>
#include <xxhash.h>

#include "proxyd/flow/context.h"

#define LINES_BYTES 256 /* two addresses and their names */

struct disclosure disclose_of(const struct worker_listener *l, const struct flow_settings *s)
{
    struct privacy none = {0};
    const struct privacy *set = privacy_settings_of(&s->privacy, l->text);
    struct disclosure d = {.privacy = privacy_join(&l->privacy, set ? set : &none)};
    d.veil = veil_of(d.privacy.mode, false);
    d.trusted = veil_of(d.privacy.mode, true);
    return d;
}

enum err disclose_resolve(struct worker *w)
{
    size_t n = w->shared->n_listeners;
    if (!w->disclosures)
        w->disclosures = calloc(n ? n : 1, sizeof *w->disclosures);
    if (!w->disclosures)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        w->disclosures[i] = disclose_of(&w->shared->listeners[i], worker_settings(w));
    return OK;
}

static const struct disclosure *of(const struct request *r)
{
    return &r->w->disclosures[r->conn->listener];
}

static bool is_high(const struct request *r)
{
    return of(r)->privacy.mode == PRIVACY_HIGH_ANONYMITY;
}

void disclose_client(const struct request *r, struct buf *out)
{
    const struct ip *client = &r->conn->client.ip;
    bool is_v4 = ip_is_v4(client);
    if (of(r)->privacy.mode != PRIVACY_NAMED)
        return;
    buf_add(out, STR("Forwarded: for="));
    buf_add(out, is_v4 ? STR("") : STR("\"["));
    ip_format(client, out);
    buf_add(out, is_v4 ? STR("") : STR("]\""));
    if (r->k->req.method != HTTP_CONNECT)
        buf_add(out, STR(";proto=http"));
    buf_add(out, STR("\r\nX-Forwarded-For: "));
    ip_format(client, out);
    buf_add(out, STR("\r\n"));
}

/* Behind what the rule adds. */
static enum err tell_client(struct request *r, struct http_forward *how)
{
    struct buf b;
    buf_init(&b, how->extra.n + LINES_BYTES);
    buf_add(&b, how->extra);
    disclose_client(r, &b);
    how->extra = arena_str(&r->k->arena, buf_str(&b));
    enum err e = b.failed || !how->extra.p ? ERR_NOMEM : OK;
    buf_fini(&b);
    return e;
}

/* http://host, http://host/... and the same with a port. */
static bool names_host(struct str referer, struct str host)
{
    size_t at = str_find_str(referer, STR("://"));
    if (at == STR_NPOS)
        return false;
    struct str rest = str_sub(referer, at + 3, referer.n), after;
    if (!str_starts_nocase(rest, host))
        return false;
    after = str_sub(rest, host.n, rest.n);
    return after.n == 0 || after.p[0] == '/' || after.p[0] == ':' || after.p[0] == '?';
}

static bool drops_referer(const struct request *r, enum privacy_referer how)
{
    const struct http_head *h = &r->k->req;
    switch (how) {
    case PRIVACY_REFERER_KEEP: return false;
    case PRIVACY_REFERER_SAME_HOST:
        return headers_has(&h->h, HEADER_REFERER) &&
               !names_host(headers_value(&h->h, HEADER_REFERER), host_str(&h->url.host));
    case PRIVACY_REFERER_NONE: return true;
    }
    return true;
}

enum err disclose_request(struct request *r, struct http_forward *how)
{
    const struct disclosure *d = of(r);
    const struct privacy *p = &d->privacy;
    bool is_trusted = p->n_trust && privacy_trusts(p, &r->conn->client.ip);
    how->veil = is_trusted ? &d->trusted : &d->veil;
    how->via = disclose_via(r);
    if (drops_referer(r, p->referer))
        how->drop |= HEADER_BIT(HEADER_REFERER);
    return p->mode == PRIVACY_NAMED ? tell_client(r, how) : OK;
}

struct str disclose_via(const struct request *r)
{
    return is_high(r) ? STR("") : r->w->via;
}

bool disclose_may_date(const struct request *r)
{
    return !is_high(r);
}

bool disclose_may_name(const struct request *r)
{
    return of(r)->privacy.mode < PRIVACY_ANONYMOUS;
}

uint64_t disclose_lane(const struct request *r)
{
    const struct ip *client = &r->conn->client.ip;
    return is_high(r) ? XXH3_64bits(client->b, sizeof client->b) | 1 : 0;
}

bool disclose_keeps_via(const struct request *r)
{
    return !(of(r)->veil.drop & HEADER_BIT(HEADER_VIA));
}
