/* list_entry: words to entries. Most words of real lists are plain names and leave by the first
 * test. */
#include "db/list_entry.h"

#include <string.h>

#include "base/cidr.h"
#include "base/host.h"
#include "base/url.h"

#define NAME_MAX_BYTES 253
#define LABEL_MAX      63

bool list_entry_is_plain(struct str s)
{
    size_t label = 0;
    bool has_dot = false, starts_with_letter = false;
    if (s.n == 0 || s.n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_letter = c >= 'a' && c <= 'z';
        if (is_letter || (c >= '0' && c <= '9') || c == '-' || c == '_') {
            if (label++ == 0)
                starts_with_letter = is_letter;
        } else if (c == '.' && label > 0 && label <= LABEL_MAX) {
            label = 0;
            has_dot = true;
        } else {
            return false;
        }
    }
    return has_dot && starts_with_letter && label > 0 && label <= LABEL_MAX;
}

static enum err refuse(const char **why, const char *reason)
{
    *why = reason;
    return ERR_INVALID;
}

static enum err take_address(const struct ip *ip, struct list_entry *out)
{
    struct buf b = {.p = out->bytes, .cap = sizeof out->bytes, .ceiling_bytes = sizeof out->bytes};
    ip_format(ip, &b);
    out->kind = LIST_IPS;
    out->text = buf_str(&b);
    return OK;
}

static enum err take_network(const struct cidr *net, struct list_entry *out)
{
    if (net->bits == 128)
        return take_address(&net->ip, out);
    struct buf b = {.p = out->bytes, .cap = sizeof out->bytes, .ceiling_bytes = sizeof out->bytes};
    cidr_format(net, &b);
    out->kind = LIST_IPS;
    out->text = buf_str(&b);
    return OK;
}

/* "host:80" to "host"; "[::1]:80" to "[::1]"; a bare IPv6 address is left alone. */
static struct str without_port(struct str s)
{
    size_t colon = str_rfind(s, ':');
    if (colon == STR_NPOS || (s.p[0] != '[' && str_find(s, ':') != colon))
        return s;
    if (s.p[0] == '[' && (colon == 0 || s.p[colon - 1] != ']'))
        return s;
    uint64_t port;
    return str_to_u64(str_sub(s, colon + 1, s.n), 65535, &port) == OK ? str_sub(s, 0, colon) : s;
}

static enum err take_host(struct str word, struct list_entry *out, const char **why)
{
    struct host h;
    struct ip ip;
    word = without_port(word);
    if (ip_parse(word, &ip) == OK)
        return take_address(&ip, out);
    enum err e = host_normalise(word, &h);
    if (e != OK)
        return refuse(why, e == ERR_LIMIT ? "longer than a host name can be" : "not a host name");
    if (h.is_ip)
        return take_address(&h.ip, out);
    if (str_find(host_str(&h), '.') == STR_NPOS)
        return refuse(why, "a single label would stand for a whole top-level domain");
    memcpy(out->bytes, h.text, h.n);
    out->kind = LIST_DOMAINS;
    out->text = str_make(out->bytes, h.n);
    return OK;
}

/* host/path: through the one normal form that is matched later, then without its scheme. */
static enum err take_url(struct str word, struct list_entry *out, const char **why)
{
    static const struct str scheme = {"http://", 7};
    char raw[LIST_ENTRY_MAX + 16];
    struct url u;
    struct arena a;
    struct str text;
    if (word.n > LIST_ENTRY_MAX)
        return refuse(why, "longer than 4,096 bytes");
    memcpy(raw, scheme.p, scheme.n);
    memcpy(raw + scheme.n, word.p, word.n);
    if (url_parse(str_make(raw, scheme.n + word.n), &u) != OK)
        return refuse(why, "not a host and path");
    if (!u.host.is_ip && str_find(host_str(&u.host), '.') == STR_NPOS)
        return refuse(why, "a single label is not a public host");
    arena_init(&a, 8192, (size_t)64 << 10);
    enum err e = url_normal(&u, &a, &text);
    text = e == OK ? str_sub(text, scheme.n, text.n) : text;
    if (e == OK && text.n <= sizeof out->bytes) {
        memcpy(out->bytes, text.p, text.n);
        out->kind = LIST_URLS;
        out->text = str_make(out->bytes, text.n);
    } else {
        e = refuse(why, "longer than 4,096 bytes");
    }
    arena_fini(&a);
    return e;
}

/* What may follow the host: nothing, "/", or a path. A '*' as its last segment says nothing new,
 * one as a segment in the middle stands for something; anywhere else it is a character of the URL.
 */
static enum err take_with_path(struct str word, size_t slash, struct list_entry *out,
                               const char **why)
{
    struct cidr net;
    if (cidr_parse(word, &net) == OK)
        return take_network(&net, out);
    if (str_ends(word, STR("/*")))
        word.n--;
    if (str_find(str_sub(word, 0, slash), '*') != STR_NPOS ||
        str_find_str(word, STR("/*/")) != STR_NPOS)
        return refuse(why, "a wildcard inside is not supported; use an expression");
    return word.n == slash + 1 ? take_host(str_sub(word, 0, slash), out, why)
                               : take_url(word, out, why);
}

static enum err take_scheme(struct str *word, const char **why)
{
    size_t at = str_find_str(*word, STR("://"));
    if (at == STR_NPOS || at > 10 || str_find(str_sub(*word, 0, at), '/') != STR_NPOS)
        return OK;
    if (!str_starts_nocase(*word, STR("http://")) && !str_starts_nocase(*word, STR("https://")))
        return refuse(why, "not http or https");
    *word = str_sub(*word, at + 3, word->n);
    return OK;
}

enum err list_entry_parse(struct str word, struct list_entry *out, const char **why)
{
    if (list_entry_is_plain(word)) {
        out->kind = LIST_DOMAINS;
        out->text = word;
        return OK;
    }
    enum err e = take_scheme(&word, why);
    if (e != OK)
        return e;
    while (str_starts(word, STR("*.")))
        word = str_sub(word, 2, word.n);
    while (word.n > 1 && word.p[0] == '.')
        word = str_sub(word, 1, word.n);
    word = str_sub(word, 0, str_find(word, '#')); /* a fragment never reaches a proxy */
    if (word.n == 0)
        return refuse(why, "nothing is left of it");
    if (memchr(word.p, '\0', word.n))
        return refuse(why, "holds a NUL byte");
    size_t slash = str_find(word, '/');
    if (slash != STR_NPOS)
        return take_with_path(word, slash, out, why);
    if (str_find(word, '?') != STR_NPOS)
        return take_url(word, out, why);
    if (str_find(word, '*') != STR_NPOS)
        return refuse(why, "a wildcard inside is not supported; use an expression");
    return take_host(word, out, why);
}
