/* server: opening sockets ourselves, so that a failure names its address, and handing them to
 * libmicrohttpd. One epoll thread a door: handlers run on workers, so one thread is enough, and
 * suspending is not possible with a thread per connection in 0.9.75. */
#include "adminui/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "adminui/certificate.h"
#include "adminui/exchange.h"
#include "base/diag.h"

#define IDLE_S     60
#define HEAD_BYTES (64u << 10)

struct server {
    struct app *app;
    struct arena arena;
    struct exchanges *all;
    struct certificate cert;
    struct door tls, local;
    bool is_socket_ours; /* admin.sock was made by us */
};

static void complain(const char *message, const char *address, int errnum)
{
    diag(DIAG_ERROR, "server", message, "address", address, "why", strerror(errnum), NULL);
}

static enum err listen_tcp(const struct bootstrap_address *at, int *out)
{
    struct sockaddr_storage sa;
    unsigned n = ip_port_to_sockaddr(&at->at, &sa);
    int one = 1, fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, (const struct sockaddr *)&sa, n) == 0 && listen(fd, SOMAXCONN) == 0) {
        *out = fd;
        return OK;
    }
    int errnum = errno;
    complain("cannot listen", at->text.p, errnum);
    if (fd >= 0)
        close(fd);
    return ERR_REFUSED;
}

/* A socket file left by a program that is gone is removed; one that answers is somebody's. */
static bool is_in_use(const struct sockaddr_un *sa)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool used = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0;
    if (fd >= 0)
        close(fd);
    return used;
}

static enum err listen_unix(const char *path, int *out)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof sa.sun_path) {
        complain("cannot listen", path, ENAMETOOLONG);
        return ERR_LIMIT;
    }
    memcpy(sa.sun_path, path, strlen(path) + 1);
    if (is_in_use(&sa)) {
        complain("another adminui runs on this state directory", path, EADDRINUSE);
        return ERR_REFUSED;
    }
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t old = umask(0177);
    bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0;
    umask(old);
    if (is_bound && listen(fd, 64) == 0) {
        *out = fd;
        return OK;
    }
    int errnum = errno;
    complain("cannot listen", path, errnum);
    if (fd >= 0)
        close(fd);
    return ERR_REFUSED;
}

/* --- the names the dashboard may be called by ---------------------------------------------------
 */

static void add_host(struct server *s, struct str name, uint16_t port)
{
    struct door *d = &s->tls;
    struct buf text;
    buf_init(&text, 600);
    bool is_v6 = str_find(name, ':') != STR_NPOS;
    buf_addf(&text, is_v6 ? "[%.*s]" : "%.*s", STR_ARG(name));
    size_t bare = text.n;
    buf_addf(&text, ":%u", port);
    struct str full = arena_str(&s->arena, buf_str(&text));
    if (!text.failed && full.p && d->n_hosts + 2 <= EXCHANGE_HOSTS_MAX) {
        d->hosts[d->n_hosts++] = full;
        if (port == (d->is_tls ? 443 : 80))
            d->hosts[d->n_hosts++] = str_sub(full, 0, bare);
    }
    buf_fini(&text);
}

static void add_hosts(struct server *s)
{
    const struct bootstrap *b = s->app->boot;
    uint16_t port = b->admin_listen.at.port;
    char host[256] = "";
    struct buf ip;
    buf_init(&ip, 64);
    ip_format(&b->admin_listen.at.ip, &ip);
    enum ip_class kind = ip_classify(&b->admin_listen.at.ip);
    if (kind != IP_UNSPECIFIED)
        add_host(s, buf_str(&ip), port);
    buf_fini(&ip);
    if (kind == IP_LOOPBACK || kind == IP_UNSPECIFIED) {
        add_host(s, STR("localhost"), port);
        add_host(s, STR("127.0.0.1"), port);
        add_host(s, STR("::1"), port);
    }
    if (gethostname(host, sizeof host - 1) == 0 && host[0])
        add_host(s, str_of(host), port);
    for (size_t i = 0; i < b->n_admin_names; i++)
        add_host(s, b->admin_names[i], port);
}

/* --- doors -------------------------------------------------------------------------------------
 */

/* Decoding is ours (query.h): the default cuts at %00. */
static size_t keep_encoded(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    return strlen(text);
}

static void drop_message(void *ctx, const char *format, va_list ap)
{
    (void)ctx;
    (void)format;
    (void)ap;
}

static enum err open_door(struct server *s, struct door *d)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     (d->is_tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, s->cert.key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert.chain},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    d->app = s->app;
    d->all = s->all;
    d->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_handle, d, MHD_OPTION_EXTERNAL_LOGGER, drop_message, NULL,
        MHD_OPTION_LISTEN_SOCKET, d->fd, MHD_OPTION_URI_LOG_CALLBACK, exchange_started, d,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, d, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_encoded, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HEAD_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
        d->is_tls ? tls : none, MHD_OPTION_END);
    if (d->daemon) {
        d->fd = -1; /* closed with the daemon */
        return OK;
    }
    complain("libmicrohttpd does not start", d->is_local ? "admin.sock" : "tls", EINVAL);
    return ERR_REFUSED;
}

static enum err open_all(struct server *s)
{
    const struct bootstrap *b = s->app->boot;
    enum err e = exchanges_open(&s->all);
    s->tls.is_tls = b->admin_tls;
    s->local.is_local = true;
    add_hosts(s);
    if (e == OK && b->admin_tls)
        e = certificate_load(s->app, &s->cert);
    if (e == OK)
        e = listen_tcp(&b->admin_listen, &s->tls.fd);
    if (e == OK)
        e = listen_unix(s->app->socket_path, &s->local.fd);
    s->is_socket_ours = e == OK;
    if (e == OK)
        e = open_door(s, &s->tls);
    return e == OK ? open_door(s, &s->local) : e;
}

enum err server_open(struct app *app, struct server **out)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->app = app;
    s->tls.fd = s->local.fd = -1;
    arena_init(&s->arena, 4096, 1u << 20);
    enum err e = open_all(s);
    if (e != OK) {
        server_close(s);
        return e;
    }
    *out = s;
    return OK;
}

static void close_door(struct door *d)
{
    if (d->daemon)
        MHD_stop_daemon(d->daemon);
    if (d->fd >= 0)
        close(d->fd);
}

static void quiesce(struct door *d)
{
    if (!d->daemon)
        return;
    int fd = MHD_quiesce_daemon(d->daemon);
    if (fd >= 0)
        close(fd);
}

void server_close(struct server *s)
{
    if (!s)
        return;
    quiesce(&s->tls);
    quiesce(&s->local);
    if (s->all) {
        exchanges_stop(s->all);
        exchanges_wait(s->all); /* a suspended connection must not be there when it stops */
    }
    close_door(&s->tls);
    close_door(&s->local);
    if (s->is_socket_ours)
        unlink(s->app->socket_path);
    exchanges_close(s->all);
    certificate_fini(&s->cert);
    arena_fini(&s->arena);
    free(s);
}
