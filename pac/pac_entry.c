/* pac_entry: see pac_entry.h. The mixing is murmur3's 32-bit finaliser; pac_emit.c holds the same
 * in JavaScript. */
#include "pac/pac_entry.h"

#include "base/host.h"

static const char *kind_word(enum pac_kind k)
{
    switch (k) {
    case PAC_HTTP: return "PROXY ";
    case PAC_HTTPS: return "HTTPS ";
    case PAC_SOCKS5: return "SOCKS5 ";
    case PAC_SOCKS4: return "SOCKS "; /* Chromium and old engines: version 4 */
    }
    return "PROXY ";
}

enum err pac_entry_write(const struct pac_proxy *p, const struct pac_self *self, struct buf *out)
{
    struct host h;
    struct str name = p->host;
    if (name.n == 0) {
        if (host_normalise(self->host, &h) != OK && ip_parse(self->host, &h.ip) != OK)
            return ERR_INVALID;
        name = self->host;
    }
    uint16_t port = p->port != 0 ? p->port : self->port;
    if (port == 0)
        return ERR_INVALID;
    bool is_v6 = str_find(name, ':') != STR_NPOS;
    buf_add_z(out, kind_word(p->kind));
    if (is_v6)
        buf_add_c(out, '[');
    buf_add(out, name);
    if (is_v6)
        buf_add_c(out, ']');
    buf_add_c(out, ':');
    buf_add_u64(out, port);
    return OK;
}

uint32_t pac_entry_hash(struct str s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * 16777619u;
    return h;
}

static uint32_t mix(uint32_t h)
{
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

uint32_t pac_entry_seed(struct str entry, unsigned n)
{
    return mix(pac_entry_hash(entry) + n * 0x9e3779b9u);
}

uint32_t pac_entry_score(uint32_t host_hash, uint32_t seed)
{
    return mix(host_hash ^ seed);
}
