/* client_hello: a cursor over the records, then a cursor over the message. The message is copied
 * together on the stack only when it spans records. */
#include "proxyd/wire/client_hello.h"

#include <string.h>

enum { RECORD_HEAD = 5, RECORDS_MAX = 16, RECORD_MAX = 16384 };

/* What is left to read; `bad` once something did not fit. */
struct cursor {
    const uint8_t *p;
    size_t n;
    bool bad;
};

static struct cursor take(struct cursor *c, size_t n)
{
    struct cursor part = {c->p, n, false};
    if (n > c->n) {
        c->bad = part.bad = true;
        part.n = 0;
        return part;
    }
    c->p += n;
    c->n -= n;
    return part;
}

static size_t number(struct cursor *c, size_t bytes)
{
    struct cursor part = take(c, bytes);
    size_t v = 0;
    for (size_t i = 0; i < part.n; i++)
        v = v << 8 | part.p[i];
    return v;
}

/* A vector with its length in front. */
static struct cursor vector(struct cursor *c, size_t length_bytes)
{
    return take(c, number(c, length_bytes));
}

/* --- extensions ------------------------------------------------------------------------------ */

static enum err read_sni(struct cursor ext, struct client_hello *out)
{
    struct cursor list = vector(&ext, 2);
    size_t type = number(&list, 1);
    struct cursor name = vector(&list, 2);
    struct str text = str_make(name.p, name.n);
    /* One host name and nothing behind it; addresses are not allowed here (RFC 6066 3). */
    if (ext.bad || list.bad || name.bad || ext.n || list.n || type != 0 || out->has_sni)
        return ERR_INVALID;
    if (host_normalise(text, &out->sni) != OK || out->sni.is_ip)
        return ERR_INVALID;
    out->has_sni = true;
    return OK;
}

static void add_alpn(struct client_hello *out, struct str name)
{
    if (str_eq(name, STR("h2")))
        out->has_alpn_h2 = true;
    if (str_eq(name, STR("http/1.1")))
        out->has_alpn_http11 = true;
    if (out->n_alpn == CLIENT_HELLO_ALPN || name.n >= sizeof out->alpn[0])
        return;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] == 0x7f)
            return;
    char *to = out->alpn[out->n_alpn++];
    memcpy(to, name.p, name.n);
    to[name.n] = '\0';
}

static enum err read_alpn(struct cursor ext, struct client_hello *out)
{
    struct cursor list = vector(&ext, 2);
    if (ext.bad || ext.n || list.n == 0)
        return ERR_INVALID;
    while (list.n) {
        struct cursor name = vector(&list, 1);
        if (list.bad || name.n == 0)
            return ERR_INVALID;
        add_alpn(out, str_make(name.p, name.n));
    }
    return OK;
}

static enum err read_versions(struct cursor ext, struct client_hello *out)
{
    struct cursor list = vector(&ext, 1);
    if (ext.bad || ext.n || list.n == 0 || list.n % 2)
        return ERR_INVALID;
    while (list.n) {
        size_t v = number(&list, 2);
        bool is_grease = (v & 0x0f0f) == 0x0a0a;
        if (!is_grease && v <= 0x0304 && v > out->version)
            out->version = (uint16_t)v;
    }
    return OK;
}

static enum err read_extension(size_t type, struct cursor body, struct client_hello *out)
{
    switch (type) {
    case 0: return read_sni(body, out);
    case 16: return read_alpn(body, out);
    case 43: return read_versions(body, out);
    case 0xfe0d: out->has_ech = true; return OK;
    default: return OK; /* not our enum: types come off the wire */
    }
}

static enum err read_message(struct cursor m, struct client_hello *out)
{
    out->version = (uint16_t)number(&m, 2);
    take(&m, 32); /* random */
    struct cursor session = vector(&m, 1);
    struct cursor suites = vector(&m, 2);
    struct cursor compression = vector(&m, 1);
    if (m.bad || session.n > 32 || suites.n < 2 || suites.n % 2 || compression.n == 0)
        return ERR_INVALID;
    if (m.n == 0)
        return OK; /* no extensions at all */
    struct cursor all = vector(&m, 2);
    if (m.bad || m.n)
        return ERR_INVALID;
    while (all.n) {
        size_t type = number(&all, 2);
        struct cursor body = vector(&all, 2);
        if (all.bad)
            return ERR_INVALID;
        enum err e = read_extension(type, body, out);
        if (e != OK)
            return e;
    }
    return OK;
}

/* --- records --------------------------------------------------------------------------------- */

/* Checks one record head; *n is the length of its content. */
static enum err record_head(struct cursor *c, size_t *n)
{
    static const uint8_t begin[2] = {22, 3};
    size_t have = c->n < 2 ? c->n : 2;
    if (memcmp(c->p, begin, have) != 0)
        return ERR_INVALID;
    if (c->n < RECORD_HEAD)
        return ERR_AGAIN;
    if (c->p[2] > 4)
        return ERR_INVALID;
    take(c, 3);
    *n = number(c, 2);
    return *n == 0 || *n > RECORD_MAX ? ERR_INVALID : OK;
}

/* Puts what is there of the handshake message together; *n becomes its bytes so far. */
static enum err gather(struct cursor c, uint8_t *to, size_t *n)
{
    size_t want = 4, have = 0;
    for (size_t records = 0; have < want; records++) {
        size_t length;
        if (records == RECORDS_MAX)
            return ERR_LIMIT;
        if (c.n == 0)
            return ERR_AGAIN;
        enum err e = record_head(&c, &length);
        if (e != OK)
            return e;
        struct cursor content = take(&c, length < c.n ? length : c.n);
        size_t room = CLIENT_HELLO_MAX - have;
        size_t part = content.n < room ? content.n : room;
        memcpy(to + have, content.p, part);
        have += part;
        if (have && to[0] != 1)
            return ERR_INVALID;
        if (have >= 4)
            want = 4 + ((size_t)to[1] << 16 | (size_t)to[2] << 8 | to[3]);
        if (want > CLIENT_HELLO_MAX)
            return ERR_LIMIT;
        /* A second message in the same record has no place before our answer. */
        if (have >= 4 && have - part + length > want)
            return ERR_INVALID;
        if (content.n < length && have < want)
            return ERR_AGAIN;
    }
    *n = want;
    return OK;
}

enum err client_hello_parse(struct str bytes, struct client_hello *out)
{
    uint8_t message[CLIENT_HELLO_MAX];
    size_t n;
    struct cursor c = {(const uint8_t *)bytes.p, bytes.n, false};
    enum err e = gather(c, message, &n);
    if (e != OK)
        return e;
    struct client_hello hello = {0};
    e = read_message((struct cursor){message + 4, n - 4, false}, &hello);
    if (e == OK)
        *out = hello;
    return e;
}
