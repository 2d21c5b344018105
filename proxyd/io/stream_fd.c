/* stream_fd: reads, writes and splices on a socket, keeping track of what would block. */
#include "proxyd/io/stream_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxyd/io/fd.h"

static inline struct stream_fd *self(struct stream *s)
{
    return LIST_ENTRY(s, struct stream_fd, s);
}

/* What a call that moved nothing says. True: try again. */
static bool is_interrupted(struct stream *s, unsigned blocked, enum err *e)
{
    if (errno == EINTR)
        return true;
    if (errno == EAGAIN)
        s->ready &= ~blocked;
    *e = errno == EAGAIN ? ERR_AGAIN : err_from_errno(errno);
    return false;
}

static enum err fd_read(struct stream *s, void *p, size_t room, size_t *n)
{
    for (;;) {
        ssize_t got = recv(self(s)->lf.fd, p, room, 0);
        if (got > 0) {
            /* a short read has emptied the socket, unless an end or error stands behind it */
            if ((size_t)got < room && !(s->ready & STREAM_HANGUP))
                s->ready &= ~(unsigned)STREAM_READABLE;
            *n = (size_t)got;
            return OK;
        }
        if (got == 0)
            return ERR_EOF;
        enum err e;
        if (!is_interrupted(s, STREAM_READABLE, &e))
            return e;
    }
}

static enum err fd_writev(struct stream *s, const struct iovec *v, int n_v, size_t *n)
{
    size_t want = 0;
    for (int i = 0; i < n_v; i++)
        want += v[i].iov_len;
    for (;;) {
        ssize_t put;
        if (n_v == 1) {
            put = send(self(s)->lf.fd, v->iov_base, v->iov_len, MSG_NOSIGNAL);
        } else {
            struct msghdr m = {.msg_iovlen = (size_t)n_v};
            /* sendmsg does not write through it */
            m.msg_iov = (struct iovec *)(uintptr_t)v;
            put = sendmsg(self(s)->lf.fd, &m, MSG_NOSIGNAL);
        }
        if (put >= 0) {
            if ((size_t)put < want)
                s->ready &= ~(unsigned)STREAM_WRITABLE;
            *n = (size_t)put;
            return OK;
        }
        enum err e;
        if (!is_interrupted(s, STREAM_WRITABLE, &e))
            return e;
    }
}

static enum err fd_to_pipe(struct stream *s, int pipe_fd, size_t most, size_t *n)
{
    enum err e = ERR_EOF;
    ssize_t got;
    do {
        got = splice(self(s)->lf.fd, NULL, pipe_fd, NULL, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    } while (got < 0 && is_interrupted(s, STREAM_READABLE, &e));
    if (got <= 0)
        return e;
    *n = (size_t)got;
    return OK;
}

static enum err fd_from_pipe(struct stream *s, int pipe_fd, size_t most, size_t *n)
{
    enum err e = ERR_CLOSED;
    ssize_t put;
    do {
        put = splice(pipe_fd, NULL, self(s)->lf.fd, NULL, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    } while (put < 0 && is_interrupted(s, STREAM_WRITABLE, &e));
    if (put <= 0)
        return e;
    *n = (size_t)put;
    return OK;
}

static void fd_shut(struct stream *s)
{
    (void)shutdown(self(s)->lf.fd, SHUT_WR);
}

static void fd_close_stream(struct stream *s, bool is_abort)
{
    struct stream_fd *f = self(s);
    if (f->lf.fd < 0)
        return;
    loop_forget(f->loop, &f->lf);
    if (is_abort)
        fd_abort_on_close(f->lf.fd);
    fd_close(&f->lf.fd);
}

static enum err fd_local_address(const struct stream *s, struct ip_port *out)
{
    return fd_local(stream_fd_of(s), out);
}

static size_t fd_unsent(const struct stream *s)
{
    int n = 0;
    return ioctl(stream_fd_of(s), SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

static uint32_t fd_age_ms(const struct stream *s)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    if (getsockopt(stream_fd_of(s), IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
        return 0;
    return info.tcpi_last_data_recv;
}

static const struct stream_ops fd_ops = {
    .read = fd_read,
    .writev = fd_writev,
    .to_pipe = fd_to_pipe,
    .from_pipe = fd_from_pipe,
    .shut = fd_shut,
    .close = fd_close_stream,
    .local = fd_local_address,
    .unsent = fd_unsent,
    .age_ms = fd_age_ms,
};

static void take_events(struct stream_fd *f, uint32_t events)
{
    unsigned ready = f->s.ready;
    if (events & EPOLLIN)
        ready |= STREAM_READABLE;
    if (events & EPOLLOUT)
        ready |= STREAM_WRITABLE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        ready |= STREAM_READABLE | STREAM_HANGUP;
    if (events & (EPOLLHUP | EPOLLERR))
        ready |= STREAM_WRITABLE | STREAM_BROKEN;
    f->s.ready = ready;
}

static void on_event(struct loop_fd *lf, uint32_t events)
{
    struct stream_fd *f = LIST_ENTRY(lf, struct stream_fd, lf);
    take_events(f, events);
    f->s.on_ready(&f->s);
}

static void init(struct stream_fd *f, struct loop *l, int fd)
{
    *f = (struct stream_fd){.s.ops = &fd_ops, .lf.fd = fd, .lf.on_event = on_event, .loop = l};
}

enum err stream_fd_open(struct stream_fd *f, struct loop *l, int take_fd)
{
    init(f, l, take_fd);
    return loop_add(l, &f->lf, STREAM_FD_EVENTS);
}

void stream_fd_adopt(struct stream_fd *f, struct loop *l, struct loop_fd *take_from,
                     uint32_t events)
{
    init(f, l, take_from->fd);
    loop_hand_over(l, take_from, &f->lf);
    take_events(f, events);
    take_from->fd = -1;
}

int stream_fd_of(const struct stream *s)
{
    if (s->ops != &fd_ops)
        return -1;
    return ((const struct stream_fd *)(const void *)((const char *)s -
                                                     offsetof(struct stream_fd, s)))
        ->lf.fd;
}
