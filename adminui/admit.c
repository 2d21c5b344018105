/* admit: the checks in their order; the first that fails has answered. */
#include "adminui/admit.h"

#include <string.h>
#include <sys/socket.h>

#include "adminui/access.h"
#include "adminui/guard.h"
#include "adminui/problem.h"

#define FIELDS_MAX 128

struct field_list {
    struct guard_field each[FIELDS_MAX];
    size_t n;
};

static enum MHD_Result take_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void)kind;
    struct field_list *l = ctx;
    if (l->n < FIELDS_MAX)
        l->each[l->n] = (struct guard_field){str_of(name), str_of(value)};
    l->n++;
    return MHD_YES;
}

/* The peer's address, or the user at the other end of the unix socket. */
static void learn_peer(struct call *c, const struct admit_input *a, struct access_input *in)
{
    const union MHD_ConnectionInfo *info;
    if (a->door->is_local) {
        struct ucred peer = {.uid = (uid_t)-1};
        socklen_t n = sizeof peer;
        info = MHD_get_connection_info(a->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info && getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0)
            in->peer = peer.uid;
        return;
    }
    info = MHD_get_connection_info(a->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct ip_port at;
    struct buf text;
    buf_init(&text, sizeof c->address - 1);
    if (info && info->client_addr && ip_port_from_sockaddr(info->client_addr, &at) == OK) {
        ip_format(&at.ip, &text);
        if (!text.failed)
            memcpy(c->address, text.p, text.n);
    }
    buf_fini(&text);
}

static bool set_target(struct call *c, const char *uri)
{
    struct str query = str_of(uri), path = {0};
    str_split(&query, '?', &path);
    c->path = path;
    enum err err = query_parse(query, &c->arena, &c->query);
    if (err == OK)
        return true;
    problem_reply(c, PROBLEM_BAD_REQUEST, "The query cannot be read.");
    return false;
}

static bool set_route(struct call *c, struct admit_result *r)
{
    struct router_match m;
    enum err err = router_find(c->app->routes, c->method, c->path, &c->arena, &m);
    if (err != OK) {
        problem_reply(c, PROBLEM_BAD_REQUEST, "The path cannot be read.");
    } else if (m.route) {
        c->route = m.route;
        memcpy(c->params, m.params, sizeof c->params);
    } else if (m.allow.n) {
        c->reply.allow = buf_take(&m.allow);
        problem_reply(c, PROBLEM_METHOD, "This address takes %s.",
                      c->reply.allow ? c->reply.allow : "other methods");
    } else if (str_starts(c->path, STR("/api/"))) {
        problem_reply(c, PROBLEM_NOT_FOUND,
                      "There is no such address; see " APP_API "/openapi.json.");
    } else {
        r->is_static = str_eq(c->method, STR("GET")) || str_eq(c->method, STR("HEAD"));
        if (!r->is_static) {
            c->reply.allow = strdup("GET, HEAD");
            problem_reply(c, PROBLEM_METHOD, "This address takes GET, HEAD.");
        }
    }
    buf_fini(&m.allow);
    return r->is_static || c->route;
}

static uint64_t most_bytes(enum route_body takes)
{
    switch (takes) {
    case ROUTE_NO_BODY: return 0;
    case ROUTE_JSON:
    case ROUTE_JSON_OPTIONAL: return CALL_BODY_MAX;
    case ROUTE_DOCUMENT:
    case ROUTE_DOCUMENT_OPTIONAL: return CALL_DOCUMENT_MAX;
    case ROUTE_RAW: return CALL_RAW_MAX;
    }
    return 0;
}

static bool check_body(struct call *c, uint64_t n, struct str type)
{
    enum route_body takes = c->route ? c->route->body : ROUTE_NO_BODY;
    uint64_t most = most_bytes(takes);
    bool is_needed = takes == ROUTE_JSON || takes == ROUTE_DOCUMENT || takes == ROUTE_RAW;
    struct str bare = {0};
    str_split(&type, ';', &bare);
    c->body.ceiling_bytes = (size_t)most;
    if (n && !most)
        problem_reply(c, PROBLEM_BAD_REQUEST, "This call takes no body.");
    else if (n > most)
        problem_reply(c, PROBLEM_TOO_LARGE, "At most %llu bytes.", (unsigned long long)most);
    else if (!n && is_needed)
        problem_reply(c, PROBLEM_BAD_REQUEST, "This call needs a body.");
    else if (n && takes != ROUTE_RAW && !str_eq_nocase(str_trim(bare), STR("application/json")))
        problem_reply(c, PROBLEM_MEDIA_TYPE, "The body must be application/json.");
    else
        return true;
    return false;
}

bool admit_request(struct call *c, const struct admit_input *a, struct admit_result *r)
{
    struct field_list fields = {.n = 0};
    MHD_get_connection_values(a->connection, MHD_HEADER_KIND, take_field, &fields);
    struct guard_input in = {.method = c->method,
                             .version = str_of(a->version),
                             .uri = str_of(a->uri),
                             .fields = fields.each,
                             .n_fields = fields.n < FIELDS_MAX ? fields.n : FIELDS_MAX,
                             .hosts = a->door->hosts,
                             .n_hosts = a->door->n_hosts};
    struct guard_verdict v;
    guard_check(&in, &v);
    if (!v.status && fields.n > FIELDS_MAX)
        v = (struct guard_verdict){400, "bad-request", "Too many fields.", 0};
    if (v.status) {
        problem_reply(c, problem_from_slug(v.slug), "%s", v.detail);
        return false;
    }
    struct access_input who = {.authorization = guard_field(&in, "Authorization"),
                               .origin = guard_field(&in, "Origin"),
                               .csrf = guard_field(&in, "X-CSRF-Token"),
                               .fetch_site = guard_field(&in, "Sec-Fetch-Site"),
                               .host = guard_field(&in, "Host"),
                               .is_tls = a->door->is_tls,
                               .is_local = a->door->is_local,
                               .peer = (uid_t)-1};
    c->cookie = guard_field(&in, "Cookie");
    c->if_match = guard_field(&in, "If-Match");
    c->if_none_match = guard_field(&in, "If-None-Match");
    c->last_event_id = guard_field(&in, "Last-Event-ID");
    c->user_agent = guard_field(&in, "User-Agent");
    c->is_tls = a->door->is_tls;
    r->body_bytes = v.body_bytes;
    r->is_framed = true;
    learn_peer(c, a, &who);
    if (!set_target(c, a->uri) || !set_route(c, r))
        return false;
    if (r->is_static)
        return check_body(c, r->body_bytes, (struct str){0});
    return access_check(c, &who) && check_body(c, r->body_bytes, guard_field(&in, "Content-Type"));
}
