/* link: made and checked with an HMAC-SHA256 under a key of this start of the process. */
#include "proxyd/flow/link.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "proxyd/flow/context.h"

#define LINK_LIFE_MS 900000 /* 15 minutes between the page and the click */
#define MAC_BYTES    32
#define URL_MAX      4096 /* a longer one leads to the host's front page */

bool link_is(struct str path_query)
{
    if (!str_starts(path_query, STR(LINK_PATH)))
        return false;
    return path_query.n == sizeof LINK_PATH - 1 || path_query.p[sizeof LINK_PATH - 1] == '?';
}

struct str link_who(const struct request *r, char room[64])
{
    if (r->k->user.n)
        return r->k->user;
    struct buf b = {.p = room, .cap = 64, .ceiling_bytes = 64};
    ip_format(&r->conn->client.ip, &b);
    return buf_str(&b);
}

static void add_hex(struct buf *b, struct str s)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < s.n; i++) {
        buf_add_c(b, digits[(unsigned char)s.p[i] >> 4]);
        buf_add_c(b, digits[(unsigned char)s.p[i] & 15]);
    }
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err from_hex(struct request *r, struct str hex, struct str *out)
{
    char *p = hex.n % 2 == 0 ? arena_alloc(&r->k->arena, hex.n / 2 + 1) : NULL;
    if (!p)
        return ERR_INVALID;
    for (size_t i = 0; i < hex.n; i += 2) {
        int a = nibble(hex.p[i]), b = nibble(hex.p[i + 1]);
        if (a < 0 || b < 0)
            return ERR_INVALID;
        p[i / 2] = (char)(a << 4 | b);
    }
    *out = str_make(p, hex.n / 2);
    return OK;
}

/* Over the expiry and the three texts in hex, which no separator can be smuggled into. */
static enum err sign(const struct request *r, struct str text, uint8_t mac[MAC_BYTES])
{
    unsigned n = 0;
    const struct worker_shared *s = r->w->shared;
    if (!HMAC(EVP_sha256(), s->token_key, sizeof s->token_key, (const unsigned char *)text.p,
              text.n, mac, &n))
        return ERR_NOMEM;
    return n == MAC_BYTES ? OK : ERR_INVALID;
}

enum err link_make(struct request *r, struct str *path_query)
{
    struct work *k = r->k;
    char who[64];
    uint8_t mac[MAC_BYTES];
    struct buf b;
    buf_init(&b, 16384);
    buf_add(&b, STR("e="));
    buf_add_u64(&b, (uint64_t)(r->w->loop.wall_ms + LINK_LIFE_MS));
    buf_add(&b, STR("&w="));
    add_hex(&b, link_who(r, who));
    buf_add(&b, STR("&h="));
    add_hex(&b, k->host);
    buf_add(&b, STR("&u="));
    add_hex(&b, k->url.n <= URL_MAX ? k->url : STR(""));
    enum err e = b.failed ? ERR_NOMEM : sign(r, buf_str(&b), mac);
    struct buf whole;
    buf_init(&whole, 20000);
    buf_add(&whole, STR(LINK_PATH "?"));
    buf_add(&whole, buf_str(&b));
    buf_add(&whole, STR("&t="));
    add_hex(&whole, str_make(mac, sizeof mac));
    if (e == OK) {
        *path_query = arena_str(&k->arena, buf_str(&whole));
        e = whole.failed || !path_query->p ? ERR_NOMEM : OK;
    }
    buf_fini(&b);
    buf_fini(&whole);
    return e;
}

/* Takes "name=value" off the query. */
static bool take(struct str *rest, struct str name, struct str *value)
{
    struct str part;
    if (!str_split(rest, '&', &part) || !str_starts(part, name))
        return false;
    *value = str_sub(part, name.n, part.n);
    return true;
}

enum err link_read(struct request *r, struct link *out)
{
    const struct work *k = r->k;
    struct str query = str_sub(k->req.url.path_query, sizeof LINK_PATH, k->req.url.path_query.n);
    struct str rest = query, e, w, h, u, t, mac_text;
    if (!take(&rest, STR("e="), &e) || !take(&rest, STR("w="), &w) || !take(&rest, STR("h="), &h) ||
        !take(&rest, STR("u="), &u) || !take(&rest, STR("t="), &t))
        return ERR_INVALID; /* what follows (a justification) is for the record alone */
    struct str text = str_make(query.p, (size_t)(u.p + u.n - query.p));
    uint8_t mac[MAC_BYTES];
    uint64_t until = 0;
    if (sign(r, text, mac) != OK || from_hex(r, t, &mac_text) != OK ||
        !secret_eq(mac_text, str_make(mac, sizeof mac)) || str_to_u64(e, INT64_MAX, &until) != OK ||
        (int64_t)until < r->w->loop.wall_ms)
        return ERR_INVALID;
    if (from_hex(r, w, &out->who) != OK || from_hex(r, h, &out->host) != OK ||
        from_hex(r, u, &out->url) != OK || !str_eq(out->host, k->host))
        return ERR_INVALID;
    return OK;
}

struct told {
    struct wake_message m;
    int64_t until_ms;
    size_t n;
    char key[REMEMBER_KEY_MAX];
};

static void on_told(struct wake_message *m, void *owner)
{
    struct told *t = LIST_ENTRY(m, struct told, m);
    struct worker *w = owner;
    remember_put(&w->warned, str_make(t->key, t->n), t->until_ms);
    free(t);
}

void link_remember(struct request *r, const struct link *l)
{
    const struct worker_shared *s = r->w->shared;
    char key[REMEMBER_KEY_MAX];
    struct str text = remember_key(l->who, l->host, key);
    int64_t until = r->w->loop.now_ms + r->hold->set->settings.continue_ms;
    remember_put(&r->w->warned, text, until);
    for (unsigned i = 0; i < s->n_workers; i++) {
        if (!s->workers[i] || s->workers[i] == r->w)
            continue;
        struct told *t = malloc(sizeof *t);
        if (!t)
            return; /* that worker will show the page once more */
        t->m.run = on_told;
        t->until_ms = until;
        t->n = text.n;
        memcpy(t->key, text.p, text.n);
        wake_post(&s->workers[i]->wake, &t->m);
    }
}
