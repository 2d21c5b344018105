/* listen: accept4 in batches; when descriptors run out it rests a little instead of spinning. */
#include "proxyd/io/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "proxyd/io/fd.h"

#define BATCH    64
#define BACKLOG  4096
#define PAUSE_MS 50

static enum err fail(int fd, int *detail_errno)
{
    int code = errno;
    if (detail_errno)
        *detail_errno = code;
    fd_close(&fd);
    if (code == EADDRINUSE || code == EADDRNOTAVAIL)
        return ERR_REFUSED;
    return code == EACCES || code == EPERM ? ERR_DENIED : ERR_IO;
}

enum err listen_socket(const struct ip_port *at, int *out, int *detail_errno)
{
    struct sockaddr_storage ss;
    socklen_t n = ip_port_to_sockaddr(at, &ss);
    int on = 1;
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fd, detail_errno);
    bool is_good = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
    if (ss.ss_family == AF_INET6)
        is_good = is_good && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
    fd_no_delay(fd); /* accepted sockets inherit it: one system call less each */
    if (!is_good || bind(fd, (const struct sockaddr *)&ss, n) != 0 || listen(fd, BACKLOG) != 0)
        return fail(fd, detail_errno);
    *out = fd;
    return OK;
}

static void rest(struct listen *l)
{
    if (l->on_short)
        l->on_short(l);
    if (loop_modify(l->loop, &l->lf, 0) == OK)
        l->is_accepting = false;
    timer_set(&l->loop->timers, &l->pause, l->loop->now_ms + PAUSE_MS);
}

static void on_pause_over(struct timer *t)
{
    struct listen *l = LIST_ENTRY(t, struct listen, pause);
    if (loop_modify(l->loop, &l->lf, EPOLLIN) == OK)
        l->is_accepting = true;
    else
        timer_set(&l->loop->timers, &l->pause, l->loop->now_ms + PAUSE_MS);
}

static void on_event(struct loop_fd *f, uint32_t events)
{
    struct listen *l = LIST_ENTRY(f, struct listen, lf);
    (void)events;
    for (int i = 0; i < BATCH && l->lf.fd >= 0; i++) {
        struct sockaddr_storage ss;
        socklen_t n = sizeof ss;
        int fd = accept4(l->lf.fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                rest(l);
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            return;
        }
        struct ip_port client;
        if (ip_port_from_sockaddr((const struct sockaddr *)&ss, &client) != OK) {
            fd_close(&fd);
            continue;
        }
        l->on_accept(l, fd, &client);
    }
}

enum err listen_open(struct listen *l, struct loop *loop, int take_fd)
{
    l->lf.fd = take_fd;
    l->lf.on_event = on_event;
    l->loop = loop;
    timer_init(&l->pause, on_pause_over);
    enum err e = loop_add(loop, &l->lf, EPOLLIN);
    if (e != OK)
        l->lf.fd = -1;
    l->is_accepting = e == OK;
    return e;
}

void listen_close(struct listen *l)
{
    if (!l->loop || l->lf.fd < 0)
        return;
    timer_stop(&l->loop->timers, &l->pause);
    loop_forget(l->loop, &l->lf);
    fd_close(&l->lf.fd);
}
