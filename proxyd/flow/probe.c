/* probe: a token, taken once. */
#include "proxyd/flow/probe.h"

#include <string.h>

#include "base/secret.h"
#include "proxyd/flow/context.h"

#define CONNECT_MS 2000

void probe_init(struct probe *p)
{
    *p = (struct probe){0};
    pthread_mutex_init(&p->lock, NULL);
}

void probe_fini(struct probe *p)
{
    secret_wipe(p->token, sizeof p->token);
    pthread_mutex_destroy(&p->lock);
}

enum err probe_arm(struct probe *p, const struct probe_order *o, char token[PROBE_TOKEN_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[PROBE_TOKEN_BYTES / 2];
    enum err e = secret_random(bytes, sizeof bytes);
    if (e != OK)
        return e;
    for (size_t i = 0; i < sizeof bytes; i++) {
        token[2 * i] = digits[bytes[i] >> 4];
        token[2 * i + 1] = digits[bytes[i] & 15];
    }
    pthread_mutex_lock(&p->lock);
    if (p->is_armed && o->now_ms < p->until_ms) {
        pthread_mutex_unlock(&p->lock);
        return ERR_BUSY;
    }
    memcpy(p->token, token, PROBE_TOKEN_BYTES);
    p->listener = o->listener;
    p->echo = o->echo;
    p->until_ms = o->until_ms;
    p->is_armed = true;
    pthread_mutex_unlock(&p->lock);
    return OK;
}

void probe_disarm(struct probe *p, const char token[PROBE_TOKEN_BYTES])
{
    pthread_mutex_lock(&p->lock);
    if (memcmp(p->token, token, PROBE_TOKEN_BYTES) == 0) {
        p->is_armed = false;
        secret_wipe(p->token, sizeof p->token);
    }
    pthread_mutex_unlock(&p->lock);
}

/* http://PROBE_HOST:PORT/TOKEN, or CONNECT TOKEN.PROBE_HOST:PORT. Empty: neither. */
static struct str token_of(const struct work *k)
{
    const struct http_head *h = &k->req;
    struct str name = STR(PROBE_HOST);
    if (h->method == HTTP_CONNECT && k->host.n > name.n && str_ends(k->host, name) &&
        k->host.p[k->host.n - name.n - 1] == '.')
        return str_sub(k->host, 0, k->host.n - name.n - 1);
    if (h->form != HTTP_FORM_ABSOLUTE || !str_eq(k->host, name))
        return (struct str){0};
    return str_sub(h->url.path_query, 1, h->url.path_query.n);
}

bool probe_take(struct probe *p, const struct request *r, struct ip_port *echo)
{
    const struct http_head *h = &r->k->req;
    struct str token = token_of(r->k);
    bool is_it = false;
    if (token.n != PROBE_TOKEN_BYTES)
        return false;
    pthread_mutex_lock(&p->lock);
    if (p->is_armed && r->conn->listener == p->listener && h->url.port == p->echo.port &&
        r->w->loop.now_ms < p->until_ms)
        is_it = secret_eq(token, str_make(p->token, PROBE_TOKEN_BYTES));
    if (is_it) {
        p->is_armed = false;
        *echo = p->echo;
    }
    pthread_mutex_unlock(&p->lock);
    return is_it;
}

/* For CONNECT the echo is a parent proxy of this one request, which is told the client in front. */
static bool aim_at_parent(struct work *k, const struct ip_port *echo)
{
    struct parent_group *g = arena_alloc(&k->arena, sizeof *g);
    struct parent_health *health = arena_alloc(&k->arena, sizeof *health);
    char room[64];
    struct buf at = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    ip_format(&echo->ip, &at);
    if (!g || !health)
        return false;
    *g = (struct parent_group){.name = STR("privacy-test"), .n = 1, .connect_ms = CONNECT_MS};
    *health = (struct parent_health){0};
    struct parent_member *m = &g->members[0];
    m->port = echo->port;
    m->weight = 1;
    m->line = PARENT_LINE_V1;
    m->text = g->name;
    m->health = health;
    k->parents = g;
    return host_normalise(buf_str(&at), &m->host) == OK;
}

bool probe_is(struct request *r)
{
    struct work *k = r->k;
    struct ip_port echo;
    if (!str_ends(k->host, STR(PROBE_HOST)) || !probe_take(&r->w->shared->probe, r, &echo))
        return false;
    if (k->req.method == HTTP_CONNECT && !aim_at_parent(k, &echo))
        return false;
    k->is_probe = k->has_addresses = true;
    k->answer = (struct resolve_answer){.n = 1, .ip = {echo.ip}};
    k->dial_host = k->target = k->host;
    k->dial_port = echo.port;
    k->has_way = true;
    k->probe_net = (struct guard_net){cidr_of(&echo.ip, 128), echo.port};
    k->probe_guard = r->w->shared->guard;
    k->probe_guard.allowed = &k->probe_net;
    k->probe_guard.n_allowed = 1;
    r->verdict = RECORD_ALLOWED;
    r->effect = "privacy-test";
    return true;
}
