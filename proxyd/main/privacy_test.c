/* privacy_test: connect, send, accept, echo, read, judge. */
#include "proxyd/main/privacy_test.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxyd/flow/disclose.h"
#include "proxyd/flow/probe.h"
#include "proxyd/io/fd.h"
#include "proxyd/main/privacy_report.h"
#include "proxyd/main/wiring.h"
#include "proxyd/wire/proxy_line.h"

#define STEP_MS  3000
#define TEST_MS  6000
#define HEAD_MAX 16384

#define ECHO_ANSWER                                                                                \
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\nConnection: "             \
    "close\r\n\r\nok"
#define TUNNEL_ANSWER "HTTP/1.1 200 OK\r\n\r\n"

#define BODY "name=privacy&test=1"

enum kind { KIND_GET, KIND_POST, KIND_CONNECT };
static const char *const kinds[] = {"get", "post", "connect"};

struct test {
    struct wiring *w;
    enum kind kind;
    const struct worker_listener *listener;
    unsigned index;
    int client, door, echo; /* to the listener; the echo's listening socket; its connection */
    struct ip_port echo_at;
    char token[PROBE_TOKEN_BYTES];
    bool is_armed;
    struct privacy_report report;
    struct buf sent, seen, answer;
};

static json_t *fail(const char *what, struct str detail)
{
    char text[400];
    snprintf(text, sizeof text, "%s%s%.*s", what, detail.n ? ": " : "",
             STR_ARG(str_sub(detail, 0, 200)));
    return control_error(text);
}

/* --- sockets --------------------------------------------------------------------------------- */

static struct ip loopback_like(const struct ip *ip)
{
    struct ip out = {{0}};
    bool is_v4 = ip_is_v4(ip);
    (void)!ip_parse(is_v4 ? STR("127.0.0.1") : STR("::1"), &out);
    return out;
}

static enum err open_door(struct test *t)
{
    struct sockaddr_storage sa;
    struct ip_port at = {.ip = loopback_like(&t->listener->at.ip)};
    unsigned n = ip_port_to_sockaddr(&at, &sa);
    t->door = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->door < 0 || bind(t->door, (const struct sockaddr *)&sa, n) != 0 ||
        listen(t->door, 1) != 0)
        return err_from_errno(errno);
    return fd_local(t->door, &t->echo_at);
}

static enum err reach_listener(struct test *t)
{
    struct sockaddr_storage sa;
    struct ip_port at = t->listener->at;
    if (ip_classify(&at.ip) == IP_UNSPECIFIED)
        at.ip = loopback_like(&at.ip);
    unsigned n = ip_port_to_sockaddr(&at, &sa);
    t->client = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (t->client < 0 || connect(t->client, (const struct sockaddr *)&sa, n) != 0)
        return err_from_errno(errno);
    return fd_local(t->client, &t->report.client);
}

static bool is_ready(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;
    do
        n = poll(&p, 1, ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static enum err send_all(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0)
            return err_from_errno(errno);
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OK;
}

/* Is a head whole, and `body` bytes behind it? */
static bool is_whole(struct str all, size_t body)
{
    size_t end = str_find_str(all, STR("\r\n\r\n"));
    return end != STR_NPOS && all.n >= end + 4 + body;
}

/* Until a head is whole with its body, or the end. */
static void read_head(int fd, size_t body, struct buf *out)
{
    char bytes[2048];
    while (out->n < HEAD_MAX && !is_whole(buf_str(out), body)) {
        ssize_t n = is_ready(fd, STEP_MS) ? recv(fd, bytes, sizeof bytes, 0) : 0;
        if (n <= 0)
            return;
        buf_add(out, str_make(bytes, (size_t)n));
    }
}

/* --- the request ----------------------------------------------------------------------------- */

/* A listener behind a balancer is told another client, as the balancer would. */
static void add_proxy_line(struct test *t)
{
    char line[PROXY_LINE_V1_MAX];
    struct ip_port client = {.port = 40404};
    if (!t->listener->has_proxy_line)
        return;
    (void)!ip_parse(ip_is_v4(&t->listener->at.ip) ? STR("203.0.113.77") : STR("2001:db8::77"),
                    &client.ip);
    buf_add(&t->sent, str_make(line, proxy_line_write(&client, &t->listener->at, line)));
    t->report.client = client;
}

static enum err arm(struct test *t)
{
    int64_t now_ms = clock_mono_ms(&t->w->clock);
    struct probe_order o = {t->index, t->echo_at, now_ms, now_ms + TEST_MS};
    enum err e = probe_arm(&t->w->workers.shared.probe, &o, t->token);
    t->is_armed = e == OK;
    return e;
}

static void write_line(struct test *t)
{
    unsigned port = t->echo_at.port;
    if (t->kind == KIND_CONNECT)
        buf_addf(&t->sent,
                 "CONNECT %.*s." PROBE_HOST ":%u HTTP/1.1\r\nHost: %.*s." PROBE_HOST ":%u\r\n",
                 PROBE_TOKEN_BYTES, t->token, port, PROBE_TOKEN_BYTES, t->token, port);
    else
        buf_addf(&t->sent,
                 "%s http://" PROBE_HOST ":%u/%.*s HTTP/1.1\r\nHost: " PROBE_HOST ":%u\r\n",
                 t->kind == KIND_POST ? "POST" : "GET", port, PROBE_TOKEN_BYTES, t->token, port);
}

static void write_request(struct test *t)
{
    size_t head_at;
    buf_init(&t->sent, HEAD_MAX);
    add_proxy_line(t);
    head_at = t->sent.n;
    write_line(t);
    privacy_report_fields(&t->sent);
    if (t->kind == KIND_POST)
        buf_addf(&t->sent,
                 "Content-Type: application/x-www-form-urlencoded\r\n"
                 "Content-Length: %zu\r\n\r\n" BODY,
                 sizeof BODY - 1);
    else
        buf_add(&t->sent, STR("\r\n"));
    t->report.sent = str_sub(buf_str(&t->sent), head_at, t->sent.n);
}

static enum err take_echo(struct test *t)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    if (!is_ready(t->door, STEP_MS))
        return ERR_TIMEOUT;
    t->echo = accept4(t->door, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC);
    if (t->echo < 0)
        return err_from_errno(errno);
    return ip_port_from_sockaddr((const struct sockaddr *)&sa, &t->report.source);
}

static struct str first_line(const struct buf *b)
{
    struct str rest = buf_str(b), line = {0};
    str_split(&rest, '\r', &line);
    return line;
}

static enum err peer_of(int fd, struct ip_port *out)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    if (getpeername(fd, (struct sockaddr *)&sa, &n) != 0)
        return err_from_errno(errno);
    return ip_port_from_sockaddr((const struct sockaddr *)&sa, out);
}

/* What a parent is told in front of the head, and whether that is the client. */
static void take_line(struct test *t)
{
    char named[PROXY_LINE_V1_MAX];
    struct str seen = t->report.seen;
    struct ip_port ours;
    if (!str_starts(seen, STR("PROXY ")) || peer_of(t->client, &ours) != OK)
        return;
    size_t end = str_find(seen, '\n');
    t->report.line = str_sub(seen, 0, end);
    t->report.seen = str_sub(seen, end + 1, seen.n);
    if (t->report.line.n && t->report.line.p[t->report.line.n - 1] == '\r')
        t->report.line.n--;
    size_t n = proxy_line_write(&t->report.client, &ours, named);
    t->report.line_names_client = n > 2 && str_eq(t->report.line, str_make(named, n - 2));
}

/* NULL: it went through. */
static json_t *exchange(struct test *t)
{
    enum err e = open_door(t);
    if (e != OK)
        return fail("no echo socket", str_of(err_name(e)));
    e = reach_listener(t);
    if (e != OK)
        return fail("the listener does not take a connection", str_of(err_name(e)));
    e = arm(t);
    if (e != OK)
        return fail("another test runs", str_of(""));
    write_request(t);
    if (t->sent.failed || send_all(t->client, buf_str(&t->sent)) != OK)
        return fail("the request cannot be sent", str_of(""));
    e = take_echo(t);
    if (e == OK) {
        read_head(t->echo, t->kind == KIND_POST ? sizeof BODY - 1 : 0, &t->seen);
        if (send_all(t->echo, t->kind == KIND_CONNECT ? STR(TUNNEL_ANSWER) : STR(ECHO_ANSWER)) ==
            OK)
            read_head(t->client, 0, &t->answer);
    } else {
        read_head(t->client, 0, &t->answer);
        return fail("the request did not come through", first_line(&t->answer));
    }
    t->report.seen = buf_str(&t->seen);
    take_line(t);
    if (t->kind == KIND_POST && !str_ends(t->report.seen, STR("\r\n\r\n" BODY)))
        return fail("the body did not come through", (struct str){0});
    t->report.answer = buf_str(&t->answer);
    return NULL;
}

static void end(struct test *t)
{
    if (t->is_armed)
        probe_disarm(&t->w->workers.shared.probe, t->token);
    fd_close(&t->client);
    fd_close(&t->echo);
    fd_close(&t->door);
    buf_fini(&t->sent);
    buf_fini(&t->seen);
    buf_fini(&t->answer);
}

/* --- which listener -------------------------------------------------------------------------- */

static bool find(struct test *t, const char *name)
{
    const struct worker_shared *s = &t->w->workers.shared;
    for (unsigned i = 0; i < s->n_listeners; i++) {
        const struct worker_listener *l = &s->listeners[i];
        if (l->kind != WORKER_PROXY || (name && !str_eq(l->text, str_of(name))))
            continue;
        t->listener = l;
        t->index = i;
        return true;
    }
    return false;
}

static json_t *one(struct wiring *w, const char *listener, enum kind kind)
{
    struct test t = {.w = w, .kind = kind, .client = -1, .door = -1, .echo = -1};
    char pseudonym[WORKER_PSEUDONYM_BYTES];
    if (!find(&t, listener))
        return json_pack("{s:b, s:s, s:b}", "ok", 0, "error", "no such listener", "unknown", 1);
    struct flow_set *set = reload_set(&t.w->reload);
    struct disclosure d = disclose_of(t.listener, &set->settings);
    t.report.privacy = d.privacy;
    t.report.listener = t.listener->text;
    t.report.this_proxy = worker_pseudonym(&t.w->workers.shared, set->settings.node, pseudonym);
    flow_set_unref(set);
    buf_init(&t.seen, HEAD_MAX + 4096);
    buf_init(&t.answer, HEAD_MAX + 4096);
    json_t *out = exchange(&t);
    if (!out)
        out = privacy_report_json(&t.report);
    if (out && json_is_true(json_object_get(out, "ok"))) {
        json_object_set_new(out, "said_by", json_string(privacy_said_by(t.listener, &d)));
        json_object_set_new(out, "request", json_string(kinds[kind]));
    }
    end(&t);
    return out ? out : control_error("out of memory");
}

/* The GET is the answer; what the others show stands in its "also". One that fails is the answer.
 */
json_t *privacy_test(void *ctx, const json_t *request)
{
    const char *listener = json_string_value(json_object_get(request, "listener"));
    json_t *out = one(ctx, listener, KIND_GET), *also = json_array();
    for (int k = KIND_POST; k <= KIND_CONNECT && json_is_true(json_object_get(out, "ok")); k++) {
        json_t *more = one(ctx, listener, (enum kind)k);
        if (!json_is_true(json_object_get(more, "ok"))) {
            json_decref(out);
            out = more;
            break;
        }
        json_object_del(more, "ok");
        if (!json_is_true(json_object_get(more, "kept")))
            json_object_set_new(out, "kept", json_false());
        json_array_append_new(also, more);
    }
    if (json_is_true(json_object_get(out, "ok")))
        json_object_set(out, "also", also);
    json_decref(also);
    return out;
}

static const char *referer_said_by(const struct worker_listener *l, const struct disclosure *d)
{
    if (l->privacy.has_referer)
        return "file";
    return d->privacy.has_referer ? "settings" : "default";
}

static json_t *listener_json(const struct worker_listener *l, const struct disclosure *d)
{
    return json_pack("{s:s%, s:s, s:s, s:s, s:s}", "listener", l->text.p, l->text.n, "privacy",
                     privacy_mode_name(d->privacy.mode), "said_by", privacy_said_by(l, d),
                     "referer", privacy_referer_name(d->privacy.referer), "referer_said_by",
                     referer_said_by(l, d));
}

json_t *privacy_status(void *ctx)
{
    struct wiring *w = ctx;
    const struct worker_shared *s = &w->workers.shared;
    struct flow_set *set = reload_set(&w->reload);
    json_t *out = json_array();
    for (size_t i = 0; i < s->n_listeners; i++) {
        struct disclosure d = disclose_of(&s->listeners[i], &set->settings);
        if (s->listeners[i].kind == WORKER_PROXY)
            json_array_append_new(out, listener_json(&s->listeners[i], &d));
    }
    flow_set_unref(set);
    return json_pack("{s:b, s:o}", "ok", 1, "items", out);
}
