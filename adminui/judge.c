/* judge: one member after the other. */
#include "adminui/judge.h"

#include <string.h>
#include <time.h>

#include "base/url.h"

static struct str text_of(const json_t *o, const char *name, struct str otherwise)
{
    const json_t *v = json_object_get(o, name);
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : otherwise;
}

static enum err fail(struct judge *j, const char *member, const char *fault)
{
    j->fault_member = member;
    j->fault = fault;
    return ERR_INVALID;
}

static struct str upper(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    for (size_t i = 0; p && i < s.n; i++)
        p[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - 32) : s.p[i];
    return str_make(p, p ? s.n : 0);
}

static void set_host(struct facts *f, const struct host *h, struct arena *a)
{
    f->host = arena_str(a, host_str(h));
    f->host_is_ip = h->is_ip;
    f->host_ip = h->ip;
    if (h->is_ip) {
        f->server = h->ip;
        f->known |= FACTS_BIT(FACTS_ADDRESS);
    }
}

/* host:port, or an https URL of which the proxy sees no more. */
static enum err set_tunnel(struct judge *j, const struct host *h, uint16_t port, struct arena *a)
{
    struct facts *f = &j->facts;
    f->method = STR("CONNECT");
    f->scheme = FACTS_TUNNEL;
    f->port = port;
    set_host(f, h, a);
    f->known |= FACTS_BIT(FACTS_URL);
    return url_normal_authority(h, port, a, &f->url);
}

static enum err set_url(struct judge *j, const json_t *r, struct arena *a)
{
    struct facts *f = &j->facts;
    struct str text = str_trim(text_of(r, "url", (struct str){0}));
    struct str method = upper(a, text_of(r, "method", (struct str){0}));
    struct host *h = arena_alloc(a, sizeof *h);
    struct url u;
    uint16_t port;
    if (!h)
        return ERR_NOMEM;
    f->known |= FACTS_BIT(FACTS_TARGET);
    bool is_connect = str_eq(method, STR("CONNECT"));
    if (url_parse(text, &u) != OK) {
        if (url_parse_authority(text, h, &port) != OK)
            return fail(j, "/url", "Give an http or https URL, or host:port for a tunnel.");
        return set_tunnel(j, h, port, a);
    }
    if (is_connect || (u.scheme == URL_HTTPS && !method.n))
        return set_tunnel(j, &u.host, u.port, a);
    f->method = method.n ? method : STR("GET");
    f->scheme = u.scheme == URL_HTTPS ? FACTS_HTTPS : FACTS_HTTP;
    f->port = u.port;
    set_host(f, &u.host, a);
    f->known |= FACTS_BIT(FACTS_URL);
    f->user_agent = arena_str(a, text_of(r, "user_agent", (struct str){0}));
    return url_normal(&u, a, &f->url);
}

static enum err set_client(struct judge *j, const json_t *r)
{
    struct str text = text_of(r, "client", STR("127.0.0.1"));
    if (ip_parse(text, &j->facts.client) != OK)
        return fail(j, "/client", "client is an IP address.");
    return OK;
}

static enum err set_time(struct judge *j, const struct judge_ask *ask)
{
    struct str text = text_of(ask->request, "time", (struct str){0});
    char copy[40];
    struct tm t = {0};
    j->facts.now_ms = ask->now_ms;
    if (!text.n)
        return OK;
    if (text.n >= sizeof copy)
        return fail(j, "/time", "time is RFC 3339, such as 2026-01-02T15:04:05Z.");
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &t);
    if (!rest)
        return fail(j, "/time", "time is RFC 3339, such as 2026-01-02T15:04:05Z.");
    int64_t ms = (int64_t)timegm(&t) * 1000;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if ((*rest == '+' || *rest == '-') && strlen(rest) == 6 && rest[3] == ':') {
        int64_t minutes =
            (rest[1] - '0') * 600 + (rest[2] - '0') * 60 + (rest[4] - '0') * 10 + (rest[5] - '0');
        ms += (*rest == '+' ? -1 : 1) * minutes * 60000;
    } else if (strcmp(rest, "Z") != 0) {
        return fail(j, "/time", "time needs Z or an offset such as +01:00 at its end.");
    }
    j->facts.now_ms = ms;
    return OK;
}

static enum err set_identity(struct judge *j, const struct judge_ask *ask, struct arena *a)
{
    struct facts *f = &j->facts;
    const json_t *groups = json_object_get(ask->request, "groups");
    const json_t *user = json_object_get(ask->request, "user");
    size_t n = json_array_size(groups), i;
    const json_t *each;
    if (!json_is_string(user) && !n && !ask->nobody_when_absent)
        return OK;
    struct str *names = arena_alloc(a, (n + 1) * sizeof *names);
    if (!names)
        return ERR_NOMEM;
    json_array_foreach(groups, i, each)
    {
        if (!json_is_string(each))
            return fail(j, "/groups", "groups holds strings.");
        names[i] = str_make(json_string_value(each), json_string_length(each));
    }
    f->user = text_of(ask->request, "user", (struct str){0});
    f->groups = names;
    f->n_groups = n;
    f->known |= FACTS_BIT(FACTS_IDENTITY);
    return OK;
}

static void set_answer(struct facts *f, const json_t *r)
{
    const json_t *size = json_object_get(r, "size_bytes");
    f->content_type = text_of(r, "content_type", (struct str){0});
    f->size_bytes = json_is_integer(size) ? (uint64_t)json_integer_value(size) : UINT64_MAX;
    if (!f->content_type.n && !json_is_integer(size))
        return;
    f->status = 200;
    f->known |= FACTS_BIT(FACTS_ANSWER);
}

enum err judge_facts(const struct judge_ask *ask, struct arena *a, struct judge *out)
{
    *out = (struct judge){.facts = {.known = FACTS_BIT(FACTS_CONNECT)}};
    out->facts.listener = text_of(ask->request, "listener", ask->listener);
    enum err e = set_url(out, ask->request, a);
    if (e == OK)
        e = set_client(out, ask->request);
    if (e == OK)
        e = set_time(out, ask);
    if (e == OK)
        e = set_identity(out, ask, a);
    if (e == OK)
        set_answer(&out->facts, ask->request);
    return e;
}
