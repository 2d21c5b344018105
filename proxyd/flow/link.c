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

/* Over everything in front of it; hex and digits, so no separator can be smuggled in. */
static enum err sign(const struct request *r, struct str text, uint8_t mac[MAC_BYTES])
{
    unsigned n = 0;
    const struct worker_shared *s = r->w->shared;
    if (!HMAC(EVP_sha256(), s->token_key, sizeof s->token_key, (const unsigned char *)text.p,
              text.n, mac, &n))
        return ERR_NOMEM;
    return n == MAC_BYTES ? OK : ERR_INVALID;
}

static struct str client_of(const struct request *r)
{
    return str_make(r->conn->client.ip.b, sizeof r->conn->client.ip.b);
}

static void add_text(struct buf *b, const char *name, struct str value)
{
    buf_add_z(b, name);
    add_hex(b, value);
}

enum err link_make(struct request *r, const struct link *l, struct str *fields)
{
    uint8_t mac[MAC_BYTES];
    struct buf b;
    buf_init(&b, 20000);
    buf_add(&b, STR("e="));
    buf_add_u64(&b, (uint64_t)(r->w->loop.wall_ms + LINK_LIFE_MS));
    buf_add(&b, STR("&v="));
    buf_add_u64(&b, l->version);
    add_text(&b, "&c=", client_of(r));
    add_text(&b, "&w=", l->who);
    add_text(&b, "&h=", l->host);
    add_text(&b, "&r=", l->rule);
    add_text(&b, "&u=", l->url.n <= URL_MAX ? l->url : STR(""));
    enum err e = b.failed ? ERR_NOMEM : sign(r, buf_str(&b), mac);
    add_text(&b, "&t=", str_make(mac, sizeof mac));
    if (e == OK) {
        *fields = arena_str(&r->k->arena, buf_str(&b));
        e = b.failed || !fields->p ? ERR_NOMEM : OK;
    }
    buf_fini(&b);
    return e;
}

/* Takes "name=value" off what is left. */
static bool take(struct str *rest, struct str name, struct str *value)
{
    struct str part;
    if (!str_split(rest, '&', &part) || !str_starts(part, name))
        return false;
    *value = str_sub(part, name.n, part.n);
    return true;
}

struct raw {
    struct str expires, version, client, who, host, rule, url, mac, rest;
};

static bool take_all(struct str fields, struct raw *f)
{
    f->rest = fields;
    return take(&f->rest, STR("e="), &f->expires) && take(&f->rest, STR("v="), &f->version) &&
           take(&f->rest, STR("c="), &f->client) && take(&f->rest, STR("w="), &f->who) &&
           take(&f->rest, STR("h="), &f->host) && take(&f->rest, STR("r="), &f->rule) &&
           take(&f->rest, STR("u="), &f->url) && take(&f->rest, STR("t="), &f->mac);
}

static bool is_signed(struct request *r, struct str fields, const struct raw *f)
{
    uint8_t mac[MAC_BYTES];
    struct str given;
    struct str text = str_make(fields.p, (size_t)(f->url.p + f->url.n - fields.p));
    return sign(r, text, mac) == OK && from_hex(r, f->mac, &given) == OK &&
           secret_eq(given, str_make(mac, sizeof mac));
}

enum err link_read(struct request *r, struct str fields, struct link *out)
{
    struct raw f;
    struct str client;
    uint64_t until = 0;
    if (!take_all(fields, &f) || !is_signed(r, fields, &f) ||
        str_to_u64(f.expires, INT64_MAX, &until) != OK || (int64_t)until < r->w->loop.wall_ms ||
        from_hex(r, f.client, &client) != OK || !str_eq(client, client_of(r)))
        return ERR_INVALID;
    if (from_hex(r, f.who, &out->who) != OK || from_hex(r, f.host, &out->host) != OK ||
        from_hex(r, f.rule, &out->rule) != OK || from_hex(r, f.url, &out->url) != OK ||
        str_to_u64(f.version, INT64_MAX, &out->version) != OK)
        return ERR_INVALID;
    out->rest = f.rest;
    return OK;
}
