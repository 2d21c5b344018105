/* floor: main program and the two epoll engines. See floor.h.   floor epoll|splice|uring PORT
 * ORIGIN_PORT */
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct sockaddr_in floor_origin;
const char floor_yes[] = "HTTP/1.1 200 OK\r\n\r\n";

size_t floor_connect_head(const char *p, size_t n)
{
    if (n < 8 || memcmp(p, "CONNECT ", 8) != 0)
        return 0;
    const char *end = memmem(p, n, "\r\n\r\n", 4);
    return end ? (size_t)(end - p) + 4 : 0;
}

struct end {
    int fd, peer; /* peer: -1 until it is dialled */
    bool is_dialling, is_tunnel;
    char *held; /* what the peer has not taken yet */
    size_t at, n;
    int pipe[2]; /* splice: from this end to its peer; made when it is first needed */
    size_t n_piped;
};

static struct end ends[FLOOR_ENDS];
static char scratch[FLOOR_BUF];
static int epoll_fd;
static bool is_splicing;

static void end_open(int fd, int peer)
{
    ends[fd] = (struct end){.fd = fd, .peer = peer};
    struct epoll_event ev = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.fd = fd}};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static void end_close(int fd)
{
    if (fd < 0)
        return;
    if (ends[fd].pipe[1]) {
        close(ends[fd].pipe[0]);
        close(ends[fd].pipe[1]);
    }
    free(ends[fd].held);
    ends[fd].fd = -1;
    close(fd);
}

static void pair_close(int fd)
{
    end_close(ends[fd].peer);
    end_close(fd);
}

static bool dial(struct end *client)
{
    int up = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(up, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(up, (struct sockaddr *)&floor_origin, sizeof floor_origin) != 0 &&
        errno != EINPROGRESS) {
        close(up);
        return false;
    }
    end_open(up, client->fd);
    ends[up].is_dialling = true;
    client->peer = up;
    return true;
}

static void hold(struct end *e, const char *p, size_t n)
{
    e->held = malloc(n);
    memcpy(e->held, p, n);
    e->at = 0;
    e->n = n;
}

/* All of these return false when the pair is over. */
static bool flush(struct end *e)
{
    while (e->n > 0) {
        ssize_t n = send(e->peer, e->held + e->at, e->n, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        e->at += (size_t)n;
        e->n -= (size_t)n;
    }
    free(e->held);
    e->held = NULL;
    return true;
}

static bool send_or_hold(struct end *e, size_t n)
{
    ssize_t out = send(e->peer, scratch, n, MSG_NOSIGNAL);
    if (out < 0 && errno != EAGAIN)
        return false;
    size_t sent = out < 0 ? 0 : (size_t)out;
    if (sent < n)
        hold(e, scratch + sent, n - sent);
    return true;
}

static bool first_bytes(struct end *e, size_t n)
{
    e->is_tunnel = floor_connect_head(scratch, n) > 0;
    if (!e->is_tunnel)
        hold(e, scratch, n);
    return dial(e);
}

static bool copy(struct end *e)
{
    while (e->n == 0) {
        ssize_t n = recv(e->fd, scratch, sizeof scratch, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (e->peer < 0)
            return first_bytes(e, (size_t)n);
        if (!send_or_hold(e, (size_t)n))
            return false;
        if ((size_t)n < sizeof scratch)
            return true; /* edge-triggered: more will be told */
    }
    return true;
}

static bool splice_on(struct end *e)
{
    if (!e->pipe[1]) {
        if (pipe2(e->pipe, O_NONBLOCK | O_CLOEXEC) != 0)
            return false;
        fcntl(e->pipe[1], F_SETPIPE_SZ, FLOOR_BUF);
    }
    for (;;) {
        while (e->n_piped > 0) {
            ssize_t n = splice(e->pipe[0], NULL, e->peer, NULL, e->n_piped,
                               SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
            if (n <= 0)
                return n < 0 && errno == EAGAIN;
            e->n_piped -= (size_t)n;
        }
        ssize_t n =
            splice(e->fd, NULL, e->pipe[1], NULL, FLOOR_BUF, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        e->n_piped = (size_t)n;
    }
}

static bool move(struct end *e)
{
    if (e->n > 0 && !flush(e))
        return false;
    if (e->peer >= 0 && ends[e->peer].is_dialling)
        return true;
    return is_splicing && e->peer >= 0 && e->n == 0 ? splice_on(e) : copy(e);
}

static bool dialled(struct end *up)
{
    struct end *client = &ends[up->peer];
    up->is_dialling = false;
    if (client->is_tunnel && send(client->fd, floor_yes, FLOOR_YES_N, MSG_NOSIGNAL) != FLOOR_YES_N)
        return false;
    return client->n == 0 || flush(client);
}

static void on_event(int fd, unsigned what)
{
    struct end *e = &ends[fd];
    if (e->fd != fd)
        return; /* closed earlier in this turn */
    bool is_fine = !(what & (EPOLLERR | EPOLLHUP));
    if (is_fine && e->is_dialling)
        is_fine = dialled(e);
    else if (is_fine && (what & EPOLLOUT) && e->peer >= 0 &&
             (ends[e->peer].n > 0 || ends[e->peer].n_piped > 0))
        is_fine = move(&ends[e->peer]);
    if (is_fine && (what & (EPOLLIN | EPOLLRDHUP)))
        is_fine = move(e) && !(what & EPOLLRDHUP);
    if (!is_fine)
        pair_close(fd);
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        end_open(fd, -1);
        if (!move(&ends[fd]))
            pair_close(fd);
    }
}

void floor_epoll(int listener, bool with_splice)
{
    struct epoll_event batch[256], ev = {EPOLLIN | EPOLLET, {.fd = listener}};
    is_splicing = with_splice;
    fcntl(listener, F_SETFL, O_NONBLOCK);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        int n = epoll_wait(epoll_fd, batch, 256, -1);
        for (int i = 0; i < n; i++) {
            if (batch[i].data.fd == listener)
                accept_all(listener);
            else
                on_event(batch[i].data.fd, batch[i].events);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: floor epoll|splice|uring PORT ORIGIN_PORT\n");
        return 2;
    }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    floor_origin = at;
    floor_origin.sin_port = htons((uint16_t)atoi(argv[3]));
    signal(SIGPIPE, SIG_IGN); /* splice has no MSG_NOSIGNAL */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0) {
        perror("floor: listen");
        return 1;
    }
    if (strcmp(argv[1], "uring") == 0)
        floor_uring(fd);
    else
        floor_epoll(fd, strcmp(argv[1], "splice") == 0);
    return 0;
}
