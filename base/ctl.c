/* ctl: length-prefixed messages over a unix stream socket. */
#include "base/ctl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum err wait_for(int fd, short events, int64_t until_ms)
{
    for (;;) {
        int64_t left = until_ms - now_ms();
        if (left <= 0)
            return ERR_TIMEOUT;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, (int)left);
        if (n > 0)
            return OK;
        if (n < 0 && errno != EINTR)
            return ERR_IO;
    }
}

enum err ctl_connect(const char *path, int *fd)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof sa.sun_path)
        return ERR_LIMIT;
    memcpy(sa.sun_path, path, strlen(path) + 1);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return err_from_errno(errno);
    if (connect(s, (const struct sockaddr *)&sa, sizeof sa) != 0) {
        enum err e = err_from_errno(errno);
        close(s);
        return e;
    }
    *fd = s;
    return OK;
}

static enum err send_all(int fd, struct str s, int64_t until_ms)
{
    while (s.n) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            s = str_sub(s, (size_t)n, s.n);
        } else if (errno == EAGAIN || errno == EINTR) {
            enum err e = wait_for(fd, POLLOUT, until_ms);
            if (e != OK)
                return e;
        } else {
            return err_from_errno(errno);
        }
    }
    return OK;
}

static enum err receive_all(int fd, char *p, size_t n, int64_t until_ms)
{
    for (size_t done = 0; done < n;) {
        enum err e = wait_for(fd, POLLIN, until_ms);
        if (e != OK)
            return e;
        ssize_t got = recv(fd, p + done, n - done, MSG_DONTWAIT);
        if (got == 0)
            return done ? ERR_CLOSED : ERR_EOF;
        if (got > 0)
            done += (size_t)got;
        else if (errno != EAGAIN && errno != EINTR)
            return err_from_errno(errno);
    }
    return OK;
}

enum err ctl_send(int fd, struct str message, int timeout_ms)
{
    if (message.n > CTL_MAX_BYTES)
        return ERR_LIMIT;
    int64_t until = now_ms() + timeout_ms;
    uint32_t n = (uint32_t)message.n;
    unsigned char head[4];
    for (int i = 0; i < 4; i++)
        head[i] = (unsigned char)(n >> (8 * i));
    enum err e = send_all(fd, str_make(head, sizeof head), until);
    return e == OK ? send_all(fd, message, until) : e;
}

enum err ctl_receive(int fd, struct buf *out, int timeout_ms)
{
    int64_t until = now_ms() + timeout_ms;
    unsigned char head[4];
    enum err e = receive_all(fd, (char *)head, sizeof head, until);
    if (e != OK)
        return e;
    uint32_t n = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 |
                 (uint32_t)head[3] << 24;
    if (n > CTL_MAX_BYTES)
        return ERR_LIMIT;
    buf_clear(out);
    e = buf_reserve(out, n);
    if (e == OK)
        e = receive_all(fd, out->p, n, until);
    if (e == OK)
        out->n = n;
    return e;
}

enum err ctl_ask(const char *path, struct str message, struct buf *answer, int timeout_ms)
{
    int fd = -1;
    enum err e = ctl_connect(path, &fd);
    if (e != OK)
        return e;
    e = ctl_send(fd, message, timeout_ms);
    if (e == OK)
        e = ctl_receive(fd, answer, timeout_ms);
    close(fd);
    return e;
}
