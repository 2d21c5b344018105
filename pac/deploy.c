/* deploy: see deploy.h. Each target is a template; every @WORD@ in it is replaced by a value that
 * is first checked against its own grammar and then escaped for the place it stands in. */
#include "pac/deploy.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/host.h"
#include "pac/deploy_text.h"

struct values {
    struct str url, wpad, domain, address, proxy, no_proxy, uuid1, uuid2;
};

const struct deploy_target *deploy_at(size_t i)
{
    const struct deploy_text *t = deploy_text_at(i);
    return t ? &t->target : NULL;
}

const struct deploy_target *deploy_named(struct str name)
{
    const struct deploy_target *t;
    for (size_t i = 0; (t = deploy_at(i)) != NULL; i++) {
        if (str_eq(str_of(t->name), name))
            return t;
    }
    return NULL;
}

static void add_pair(struct buf *out, char a, char b)
{
    buf_add_c(out, a);
    buf_add_c(out, b);
}

/* JSON: quote and backslash. In a .reg or a command line the JSON is itself inside quotes, and so
 * is escaped once more. */
static void add_json_c(struct buf *out, char c, bool is_nested)
{
    if (c != '"' && c != '\\') {
        buf_add_c(out, c);
        return;
    }
    buf_add_z(out, is_nested ? "\\\\\\" : "\\");
    buf_add_c(out, c);
}

static void add_xml_c(struct buf *out, char c)
{
    switch (c) {
    case '&': buf_add_z(out, "&amp;"); break;
    case '<': buf_add_z(out, "&lt;"); break;
    case '>': buf_add_z(out, "&gt;"); break;
    case '"': buf_add_z(out, "&quot;"); break;
    case '\'': buf_add_z(out, "&apos;"); break;
    default: buf_add_c(out, c);
    }
}

static void add_c(struct buf *out, char c, enum deploy_escape how)
{
    switch (how) {
    case DEPLOY_JSON: add_json_c(out, c, false); break;
    case DEPLOY_REG_JSON: add_json_c(out, c, true); break;
    case DEPLOY_CMD_JSON: /* a batch file expands %; \" is a quote inside quotes */
        if (c == '%')
            buf_add_c(out, '%');
        add_json_c(out, c, true);
        break;
    case DEPLOY_XML: add_xml_c(out, c); break;
    case DEPLOY_SHELL: /* inside single quotes */
        if (c == '\'')
            buf_add_z(out, "'\\''");
        else
            buf_add_c(out, c);
        break;
    case DEPLOY_POWERSHELL: /* inside single quotes; JSON inside needs its own escape too */
        if (c == '\'')
            add_pair(out, c, c);
        else
            add_json_c(out, c, false);
        break;
    case DEPLOY_QUOTED: /* inside double quotes of a configuration file */
        if (c == '"' || c == '\\')
            add_pair(out, '\\', c);
        else
            buf_add_c(out, c);
        break;
    }
}

static void add_escaped(struct buf *out, struct str s, enum deploy_escape how)
{
    for (size_t i = 0; i < s.n; i++)
        add_c(out, s.p[i], how);
}

static struct str value_of(const struct values *v, struct str word)
{
    const struct {
        const char *word;
        struct str value;
    } all[] = {{"URL", v->url},         {"WPAD", v->wpad},   {"DOMAIN", v->domain},
               {"ADDRESS", v->address}, {"PROXY", v->proxy}, {"NOPROXY", v->no_proxy},
               {"UUID1", v->uuid1},     {"UUID2", v->uuid2}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (str_eq(str_of(all[i].word), word))
            return all[i].value;
    }
    return STR("");
}

static void fill(const struct deploy_text *t, const struct values *v, struct buf *out)
{
    struct str rest = str_of(t->text);
    while (rest.n > 0) {
        size_t at = str_find(rest, '@');
        size_t end = at == STR_NPOS ? STR_NPOS : str_find(str_sub(rest, at + 1, rest.n), '@');
        if (end == STR_NPOS) {
            buf_add(out, rest);
            return;
        }
        buf_add(out, str_sub(rest, 0, at));
        if (end == 0) /* @@ */
            buf_add_c(out, '@');
        add_escaped(out, value_of(v, str_sub(rest, at + 1, at + 1 + end)), t->escape);
        rest = str_sub(rest, at + end + 2, rest.n);
    }
}

/* For programs that know no PAC: the profile's first proxy as a URL. */
static enum err add_proxy_url(const struct pac_input *in, struct buf *out)
{
    const struct pac_route *r = &in->model->profiles[in->profile].routes[PAC_ROUTE_DEFAULT];
    if (r->n_proxies == 0)
        return OK;
    struct buf entry;
    buf_init(&entry, 1024);
    enum err e = pac_entry_write(&r->proxies[0], &in->self, &entry);
    struct str s = buf_str(&entry);
    size_t space = str_find(s, ' ');
    switch (r->proxies[0].kind) {
    case PAC_HTTP: buf_add_z(out, "http://"); break;
    case PAC_HTTPS: buf_add_z(out, "https://"); break;
    case PAC_SOCKS5: buf_add_z(out, "socks5h://"); break;
    case PAC_SOCKS4: buf_add_z(out, "socks4a://"); break;
    }
    if (e == OK)
        buf_add(out, str_sub(s, space + 1, s.n));
    buf_fini(&entry);
    return e;
}

#define NO_PROXY_MAX 200 /* entries; environment variables are no place for more */

static void add_no_proxy(const struct pac_profile *p, struct buf *out)
{
    size_t n = 0;
    buf_add_z(out, "localhost,127.0.0.0/8,::1");
    for (size_t i = 0; i < p->n_suffix && n < NO_PROXY_MAX; i++) {
        if (p->suffix[i].route != PAC_ROUTE_DIRECT)
            continue;
        buf_add_z(out, ",.");
        buf_add(out, p->suffix[i].name);
        n++;
    }
    for (size_t i = 0; i < p->n_exact && n < NO_PROXY_MAX; i++) {
        if (p->exact[i].route != PAC_ROUTE_DIRECT)
            continue;
        buf_add_c(out, ',');
        buf_add(out, p->exact[i].name);
        n++;
    }
}

/* The same input gives the same identifier, so that a profile installed again replaces itself. */
static void add_uuid(struct str url, uint64_t seed, struct buf *out)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(url.p, url.n, seed);
    buf_addf(out, "%08X-%04X-8%03X-%04X-%012llX", (unsigned)(h.high64 >> 32),
             (unsigned)(h.high64 >> 16) & 0xffff, (unsigned)h.high64 & 0xfff,
             0x8000u | ((unsigned)(h.low64 >> 48) & 0x3fff),
             (unsigned long long)h.low64 & 0xffffffffffffULL);
}

/* Values not given stand as examples, which the notes of the target tell to replace. */
static enum err check(const struct deploy_input *in, struct host *domain, struct ip *address)
{
    struct str name = in->wpad_domain.n ? in->wpad_domain : STR("example.com");
    struct str ip = in->wpad_address.n ? in->wpad_address : STR("192.0.2.10");
    if (!pac_model_url_ok(in->pac_url))
        return ERR_INVALID;
    if (host_normalise(name, domain) != OK || domain->is_ip)
        return ERR_INVALID;
    for (size_t i = 0; i < domain->n; i++) {
        char c = domain->text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return ERR_INVALID;
    }
    if (ip_parse(ip, address) != OK || !ip_is_v4(address))
        return ERR_INVALID;
    return OK;
}

enum err deploy_write(const struct deploy_target *t, const struct deploy_input *in, struct buf *out)
{
    struct host domain;
    struct ip address;
    enum err e = check(in, &domain, &address);
    if (e != OK)
        return e;
    enum { WPAD, ADDRESS, PROXY, NO_PROXY, UUID1, UUID2, N_PARTS };
    struct buf part[N_PARTS];
    for (size_t i = 0; i < N_PARTS; i++)
        buf_init(&part[i], 1 << 17);
    buf_addf(&part[WPAD], "http://wpad.%s/wpad.dat", domain.text);
    ip_format(&address, &part[ADDRESS]);
    e = add_proxy_url(in->pac, &part[PROXY]);
    add_no_proxy(&in->pac->model->profiles[in->pac->profile], &part[NO_PROXY]);
    add_uuid(in->pac_url, 1, &part[UUID1]);
    add_uuid(in->pac_url, 2, &part[UUID2]);
    struct values v = {in->pac_url,           buf_str(&part[WPAD]),
                       host_str(&domain),     buf_str(&part[ADDRESS]),
                       buf_str(&part[PROXY]), buf_str(&part[NO_PROXY]),
                       buf_str(&part[UUID1]), buf_str(&part[UUID2])};
    for (size_t i = 0; deploy_text_at(i); i++) {
        if (e == OK && &deploy_text_at(i)->target == t)
            fill(deploy_text_at(i), &v, out);
    }
    for (size_t i = 0; i < N_PARTS; i++) {
        if (e == OK && part[i].failed)
            e = ERR_NOMEM;
        buf_fini(&part[i]);
    }
    return e == OK && out->failed ? ERR_LIMIT : e;
}
