/* request_facts: JSON to facts. */
#include "policies/request_facts.h"

#include <string.h>

#include "base/url.h"
#include "policies/reader.h"

static void read_groups(struct request_facts *q, struct reader *r, const json_t *o)
{
    const json_t *list = reader_array(r, o, "groups");
    size_t i, n = json_array_size(list);
    json_t *g;
    q->groups = reader_alloc(r, n, sizeof *q->groups);
    json_array_foreach((json_t *)(uintptr_t)list, i, g)
    {
        if (!q->groups)
            return;
        if (json_is_string(g))
            q->groups[q->facts.n_groups++] =
                reader_copy(r, str_make(json_string_value(g), json_string_length(g)));
        else
            reader_fault(r, "wrong-type", "A group is a text.");
    }
    q->facts.groups = q->groups;
}

static void fault_at(struct reader *r, const char *name, const char *code, const char *message)
{
    size_t mark = reader_enter(r, name);
    reader_fault(r, code, "%s", message);
    reader_leave(r, mark);
}

static void set_host(struct request_facts *q, struct reader *r, const struct host *h, uint16_t port)
{
    q->facts.host = reader_copy(r, host_str(h));
    q->facts.host_is_ip = h->is_ip;
    q->facts.host_ip = h->ip;
    q->facts.port = port;
}

/* A tunnel: "host:port", or an https URL with method CONNECT; only host and port are seen of it. */
static void read_tunnel(struct request_facts *q, struct reader *r, struct str text)
{
    struct url u;
    struct host h;
    uint16_t port;
    if (url_parse(text, &u) == OK) {
        h = u.host;
        port = u.port;
    } else if (url_parse_authority(text, &h, &port) != OK) {
        fault_at(r, "url", "bad-url", "Neither an http or https URL nor host:port.");
        return;
    }
    set_host(q, r, &h, port);
    q->facts.scheme = FACTS_TUNNEL;
    if (url_normal_authority(&h, port, &q->arena, &q->facts.url) != OK)
        r->is_out_of_memory = true;
}

static void read_url(struct request_facts *q, struct reader *r, struct str text)
{
    struct url u;
    if (url_parse(text, &u) != OK) {
        fault_at(r, "url", "bad-url", "Not an http or https URL.");
        return;
    }
    set_host(q, r, &u.host, u.port);
    q->facts.scheme = u.scheme == URL_HTTPS ? FACTS_HTTPS : FACTS_HTTP;
    if (url_normal(&u, &q->arena, &q->facts.url) != OK)
        r->is_out_of_memory = true;
}

static void read_rest(struct request_facts *q, struct reader *r, const json_t *o)
{
    struct str client = STR("127.0.0.1");
    struct facts *f = &q->facts;
    reader_string(r, o, "user", &f->user);
    reader_string(r, o, "listener", &f->listener);
    reader_string(r, o, "content_type", &f->content_type);
    reader_string(r, o, "user_agent", &f->user_agent);
    reader_string(r, o, "client", &client);
    reader_time(r, o, "time", &f->now_ms);
    if (ip_parse(client, &f->client) != OK)
        fault_at(r, "client", "bad-address", "Not an IP address.");
    f->size_bytes = UINT64_MAX;
    const json_t *size = json_object_get(o, "size_bytes");
    if (json_is_integer(size) && json_integer_value(size) >= 0)
        f->size_bytes = (uint64_t)json_integer_value(size);
    else if (size && !json_is_null(size))
        fault_at(r, "size_bytes", "wrong-type", "A number of bytes.");
    read_groups(q, r, o);
}

/* The address that would be dialled: given, or the host itself; else it is not known. */
static void read_server(struct request_facts *q, struct reader *r, const json_t *o)
{
    struct str server = {0};
    struct facts *f = &q->facts;
    reader_string(r, o, "server", &server);
    if (server.n && ip_parse(server, &f->server) != OK)
        fault_at(r, "server", "bad-address", "Not an IP address.");
    else if (f->host_is_ip)
        f->server = f->host_ip;
    else if (!server.n)
        f->known &= ~FACTS_BIT(FACTS_ADDRESS);
}

enum err request_facts_init(struct request_facts *q, const json_t *request, int64_t now_ms,
                            struct report *report)
{
    static const char *const names[] = {
        "url",          "method",     "user",       "groups", "client", "listener", "time",
        "content_type", "size_bytes", "user_agent", "policy", "server", NULL};
    memset(q, 0, sizeof *q);
    arena_init(&q->arena, 4096, (size_t)4 << 20);
    struct reader r = {.report = report, .arena = &q->arena};
    struct str url = {0}, method = STR("GET");
    if (!json_is_object(request)) {
        reader_fault(&r, "wrong-type", "A request is an object.");
        return ERR_INVALID;
    }
    q->facts.now_ms = now_ms;
    q->facts.known = (FACTS_BIT(FACTS_N_STAGES) - 1);
    reader_only(&r, request, names);
    reader_string(&r, request, "url", &url);
    reader_string(&r, request, "method", &method);
    read_rest(q, &r, request);
    q->facts.method = method;
    bool is_authority = str_find_str(url, STR("://")) == STR_NPOS;
    if (url.n == 0)
        fault_at(&r, "url", "missing", "A request has a \"url\".");
    else if (is_authority || str_eq(method, STR("CONNECT")))
        read_tunnel(q, &r, url);
    else
        read_url(q, &r, url);
    if (q->facts.scheme == FACTS_TUNNEL)
        q->facts.method = STR("CONNECT");
    read_server(q, &r, request);
    return r.is_out_of_memory ? ERR_NOMEM : report_has_faults(report) ? ERR_INVALID : OK;
}

void request_facts_fini(struct request_facts *q)
{
    arena_fini(&q->arena);
}
