/* ldap_dial: connecting with a deadline; the guard is a layer of liblber between socket and TLS. */
#include "proxyd/identity/ldap_dial.h"

#include <errno.h>
#include <fcntl.h>
#include <lber.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static int64_t mono_ms(void)
{
    struct clock c;
    clock_init_real(&c);
    return clock_mono_ms(&c);
}

/* poll until a time; 1 ready, 0 too late, -1 trouble. */
static int wait_for(int fd, short events, int64_t until)
{
    for (;;) {
        int64_t left = until - mono_ms();
        struct pollfd p = {.fd = fd, .events = events};
        int n = left <= 0 ? 0 : poll(&p, 1, (int)(left < 60000 ? left : 60000));
        if (n >= 0 || errno != EINTR)
            return n > 0 ? 1 : n;
    }
}

/* --- connecting ------------------------------------------------------------------------------ */

static enum err connect_one(int fd, const struct addrinfo *a, int64_t until)
{
    int failed = 0;
    socklen_t n = sizeof failed;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return OK;
    if (errno != EINPROGRESS)
        return err_from_errno(errno);
    int ready = wait_for(fd, POLLOUT, until);
    if (ready <= 0)
        return ready == 0 ? ERR_TIMEOUT : ERR_IO;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) != 0)
        return ERR_IO;
    return failed ? err_from_errno(failed) : OK;
}

static enum err try_address(const struct addrinfo *a, int64_t until, int *out)
{
    int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0)
        return ERR_IO;
    enum err e = connect_one(fd, a, until);
    if (e == OK && fcntl(fd, F_SETFL, 0) != 0)
        e = ERR_IO;
    if (e != OK) {
        close(fd);
        return e;
    }
    /* Slower or less watchful without these, not wrong. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    *out = fd;
    return OK;
}

enum err ldap_dial_open(const char *host, int port, uint32_t ms, int *fd, const char **detail)
{
    char service[8];
    struct addrinfo *list = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int64_t until = mono_ms() + ms;
    snprintf(service, sizeof service, "%d", port & 0xffff);
    if (getaddrinfo(host, service, &hints, &list) != 0) {
        *detail = "the server's name is not found";
        return ERR_UNREACHABLE;
    }
    enum err e = ERR_UNREACHABLE;
    for (const struct addrinfo *a = list; a && e != OK; a = a->ai_next)
        e = try_address(a, until, fd);
    freeaddrinfo(list);
    *detail = e == OK            ? "connected"
              : e == ERR_TIMEOUT ? "no answer to the connection"
              : e == ERR_REFUSED ? "nothing listens there"
                                 : "cannot connect";
    return e;
}

/* --- the guard ------------------------------------------------------------------------------- */

struct guard {
    int64_t until_mono_ms; /* 0: none */
};

static int guard_setup(Sockbuf_IO_Desc *layer, void *arg)
{
    layer->sbiod_pvt = arg;
    return 0;
}

static int guard_remove(Sockbuf_IO_Desc *layer)
{
    free(layer->sbiod_pvt);
    layer->sbiod_pvt = NULL;
    return 0;
}

/* ber_sockbuf_ctrl asks every layer; our own answer carries the guard back to ldap_dial_guard. */
#define GUARD_FIND 0x7072

static int guard_control(Sockbuf_IO_Desc *layer, int option, void *arg)
{
    if (option != GUARD_FIND)
        return LBER_SBIOD_CTRL_NEXT(layer, option, arg);
    *(struct guard **)arg = layer->sbiod_pvt;
    return 1;
}

static ber_slen_t guard_read(Sockbuf_IO_Desc *layer, void *to, ber_len_t n)
{
    const struct guard *g = layer->sbiod_pvt;
    ber_socket_t fd = -1;
    if (g->until_mono_ms && ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &fd) == 1 &&
        wait_for(fd, POLLIN, g->until_mono_ms) <= 0) {
        errno = ETIMEDOUT; /* anything but "try again" */
        return -1;
    }
    return LBER_SBIOD_READ_NEXT(layer, to, n);
}

static ber_slen_t guard_write(Sockbuf_IO_Desc *layer, void *from, ber_len_t n)
{
    return LBER_SBIOD_WRITE_NEXT(layer, from, n);
}

/* liblber wants it writable, and writes nothing. */
static Sockbuf_IO *guard_layer(void)
{
    static const Sockbuf_IO functions = {guard_setup, guard_remove, guard_control,
                                         guard_read,  guard_write,  NULL};
    return (Sockbuf_IO *)(uintptr_t)&functions;
}

enum err ldap_dial_guard(LDAP *ld, int64_t until_mono_ms)
{
    Sockbuf *sb = NULL;
    struct guard *g = NULL;
    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sb) != LDAP_OPT_SUCCESS || !sb)
        return ERR_UNSUPPORTED;
    if (ber_sockbuf_ctrl(sb, GUARD_FIND, &g) != 1 || !g) {
        g = calloc(1, sizeof *g);
        if (!g)
            return ERR_NOMEM;
        /* Just above the socket, below TLS. */
        if (ber_sockbuf_add_io(sb, guard_layer(), LBER_SBIOD_LEVEL_PROVIDER + 1, g) != 0) {
            free(g);
            return ERR_NOMEM;
        }
    }
    g->until_mono_ms = until_mono_ms;
    return OK;
}
