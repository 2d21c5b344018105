/* parents_map: member by member. */
#include "proxyd/main/parents_map.h"

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/secret.h"

#define LOGIN_MAX 512

/* RFC 7617: base64 of user:password. */
static enum err authorize(struct parents *p, const struct settings_upstreams_member *in,
                          struct parent_member *m)
{
    char plain[LOGIN_MAX + 1], room[6 + LOGIN_MAX * 4 / 3 + 8] = "Basic ";
    struct buf b = {.p = plain, .cap = LOGIN_MAX, .ceiling_bytes = LOGIN_MAX};
    if (in->username.n == 0)
        return OK;
    buf_add(&b, in->username);
    buf_add_c(&b, ':');
    buf_add(&b, in->password);
    if (b.failed)
        return ERR_LIMIT;
    int n = EVP_EncodeBlock((unsigned char *)room + 6, (const unsigned char *)plain, (int)b.n);
    m->authorization = arena_str(&p->arena, str_make(room, 6 + (size_t)n));
    secret_wipe(plain, sizeof plain);
    secret_wipe(room, sizeof room);
    return m->authorization.p ? OK : ERR_NOMEM;
}

static enum err map_member(struct parents *p, const struct settings_upstreams_member *in,
                           struct parent_member *m)
{
    m->host = in->host;
    m->port = in->port;
    m->weight = (uint16_t)in->weight;
    m->is_backup = in->is_backup;
    m->line = (enum parent_line)in->proxy_protocol;
    return authorize(p, in, m);
}

static enum err map_group(struct parents *p, const struct settings_upstreams_group *in,
                          struct parent_book *book, struct parent_group *g)
{
    g->name = arena_str(&p->arena, in->name);
    g->balance = (enum parent_balance)in->balance;
    g->is_direct_when_down = in->is_direct_when_down;
    g->connect_ms = in->connect_ms;
    g->answer_ms = in->answer_ms;
    g->check = (struct parent_check){.interval_ms = in->interval_ms,
                                     .timeout_ms = in->timeout_ms,
                                     .retry_ms = in->retry_ms,
                                     .down_after = (uint16_t)in->down_after,
                                     .up_after = (uint16_t)in->up_after};
    g->check.is_http = in->check_kind == 1;
    if (in->check_url.n)
        g->check.url = arena_str(&p->arena, in->check_url);
    enum err e = g->name.p && (g->check.url.p || !in->check_url.n) ? OK : ERR_NOMEM;
    for (size_t i = 0; i < in->n && i < PARENT_MEMBERS_MAX && e == OK; i++) {
        struct parent_member *m = &g->members[g->n++];
        e = map_member(p, &in->members[i], m);
        if (e == OK)
            e = parent_seal(p, g, m, book);
    }
    return e;
}

enum err parents_map(const struct settings_upstreams *in, struct parent_book *book,
                     struct parents **out)
{
    struct parents *p = NULL;
    if (in->n == 0) {
        *out = NULL;
        return OK;
    }
    enum err e = parents_new((uint16_t)in->n, &p);
    if (e != OK)
        return e;
    for (uint16_t i = 0; i < p->n && e == OK; i++)
        e = map_group(p, &in->groups[i], book, &p->groups[i]);
    if (e != OK) {
        parents_unref(p);
        return e;
    }
    p->standard = parents_named(p, in->standard);
    *out = p;
    return OK;
}
