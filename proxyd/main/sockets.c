/* sockets: bind, hand on, recognise. */
#include "proxyd/main/sockets.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "proxyd/io/listen.h"

static unsigned workers_of(const struct bootstrap *b)
{
    long cores = b->workers ? (long)b->workers : sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > SOCKETS_WORKERS_MAX ? SOCKETS_WORKERS_MAX : (unsigned)cores;
}

/* Address and text of the listener of this number: the proxy's come first. */
static const struct ip_port *address(const struct bootstrap *b, size_t i, const char **text)
{
    const struct bootstrap_address *pac = &b->pac_listen[i < b->n_listen ? 0 : i - b->n_listen];
    *text = i < b->n_listen ? b->listen[i].text.p : pac->text.p;
    return i < b->n_listen ? &b->listen[i].at : &pac->at;
}

static enum err unsupported(const struct bootstrap *b)
{
    for (size_t i = 0; i < b->n_listen; i++) {
        char line[16];
        snprintf(line, sizeof line, "%d", b->listen[i].line);
        if (b->listen[i].mode != BOOTSTRAP_FORWARD || b->listen[i].tls_cert.n) {
            diag(DIAG_ERROR, "main", "this version has listeners of mode=forward without tls only",
                 "listen", b->listen[i].text.p, "line", line, NULL);
            return ERR_UNSUPPORTED;
        }
    }
    return OK;
}

static enum err bind_one(const struct bootstrap *b, size_t l, int *fd)
{
    int why = 0;
    const char *text;
    enum err e = listen_socket(address(b, l, &text), fd, &why);
    if (e != OK)
        diag(DIAG_ERROR, "main", "cannot listen", "address", text, "why",
             why ? strerror(why) : err_name(e), NULL);
    return e;
}

static void clear(const struct bootstrap *b, struct sockets *s)
{
    memset(s->fd, -1, sizeof s->fd);
    s->n_workers = workers_of(b);
    s->n_listeners = b->n_listen + b->n_pac_listen;
}

enum err sockets_bind(const struct bootstrap *b, struct sockets *out)
{
    clear(b, out);
    enum err e = unsupported(b);
    for (size_t l = 0; l < out->n_listeners && e == OK; l++)
        for (unsigned i = 0; i < out->n_workers && e == OK; i++)
            e = bind_one(b, l, &out->fd[i][l]);
    if (e != OK)
        sockets_fini(out);
    return e;
}

void sockets_fini(struct sockets *s)
{
    for (unsigned i = 0; i < s->n_workers; i++) {
        for (size_t l = 0; l < s->n_listeners; l++) {
            if (s->fd[i][l] >= 0)
                close(s->fd[i][l]);
            s->fd[i][l] = -1;
        }
    }
}

void sockets_describe(const struct sockets *s, struct buf *out)
{
    buf_addf(out, "%u %zu", s->n_workers, s->n_listeners);
    for (unsigned i = 0; i < s->n_workers; i++)
        for (size_t l = 0; l < s->n_listeners; l++)
            buf_addf(out, " %d", s->fd[i][l]);
}

static bool take_number(struct str *rest, uint64_t max, uint64_t *n)
{
    struct str word;
    return str_split(rest, ' ', &word) && str_to_u64(word, max, n) == OK;
}

static bool listens_on(int fd, const struct ip_port *want)
{
    struct sockaddr_storage ss;
    struct ip_port at;
    socklen_t n = sizeof ss;
    int is_listening = 0;
    socklen_t room = sizeof is_listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &room) == 0 && is_listening &&
           getsockname(fd, (struct sockaddr *)&ss, &n) == 0 &&
           ip_port_from_sockaddr((const struct sockaddr *)&ss, &at) == OK &&
           ip_eq(&at.ip, &want->ip) && at.port == want->port;
}

enum err sockets_inherit(struct str text, const struct bootstrap *b, struct sockets *out)
{
    uint64_t n_workers, n_listeners, fd;
    const char *name;
    clear(b, out);
    if (!take_number(&text, SOCKETS_WORKERS_MAX, &n_workers) ||
        !take_number(&text, SOCKETS_LISTENERS_MAX, &n_listeners) || n_workers != out->n_workers ||
        n_listeners != out->n_listeners)
        return ERR_INVALID;
    for (unsigned i = 0; i < out->n_workers; i++) {
        for (size_t l = 0; l < out->n_listeners; l++) {
            if (!take_number(&text, 1u << 20, &fd) || !listens_on((int)fd, address(b, l, &name)))
                return ERR_INVALID;
            out->fd[i][l] = (int)fd;
        }
    }
    return OK;
}

void sockets_keep_over_exec(const struct sockets *s, bool keep)
{
    for (unsigned i = 0; i < s->n_workers; i++)
        for (size_t l = 0; l < s->n_listeners; l++)
            (void)fcntl(s->fd[i][l], F_SETFD, keep ? 0 : FD_CLOEXEC);
}
