/* control: accept, check the peer, read a message, call the verb, answer. */
#include "proxyd/main/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/ctl.h"
#include "base/must.h"

#define TALK_MS 60000 /* a directory test may try several servers */

struct control {
    int fd, stop_fd;
    const struct control_verb *verbs;
    void *ctx;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    unsigned n_serving;   /* under lock */
    int fds[CONTROL_MAX]; /* under lock; -1: free */
    char path[108];
    ino_t inode; /* of the socket at path */
};

struct served {
    struct control *c;
    int fd;
};

json_t *control_error(const char *text)
{
    return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

static json_t *answer(struct control *c, struct str message)
{
    json_error_t why;
    json_t *req = json_loadb(message.p, message.n, JSON_REJECT_DUPLICATES, &why);
    const char *verb = json_string_value(json_object_get(req, "do"));
    json_t *out = NULL;
    if (!verb)
        out = control_error("a request is an object with \"do\"");
    for (const struct control_verb *v = c->verbs; verb && !out && v->name; v++)
        if (strcmp(v->name, verb) == 0)
            out = v->handle(c->ctx, req);
    if (!out)
        out = control_error("no such verb");
    json_decref(req);
    return out;
}

static bool peer_may_talk(int fd)
{
    struct ucred who;
    socklen_t n = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
           (who.uid == 0 || who.uid == geteuid());
}

/* Takes a place for the connection; false when all are taken. */
static bool enter(struct control *c, int fd)
{
    bool may = false;
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < CONTROL_MAX && !may; i++) {
        if (c->fds[i] < 0) {
            c->fds[i] = fd;
            c->n_serving++;
            may = true;
        }
    }
    pthread_mutex_unlock(&c->lock);
    return may;
}

/* Closes under the lock, so that control_stop never shuts a descriptor that is somebody else's by
 * then. */
static void leave(struct control *c, int fd)
{
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < CONTROL_MAX; i++)
        if (c->fds[i] == fd)
            c->fds[i] = -1;
    close(fd);
    c->n_serving--;
    pthread_cond_signal(&c->idle);
    pthread_mutex_unlock(&c->lock);
}

static void *serve(void *arg)
{
    struct served *s = arg;
    struct control *c = s->c;
    struct buf in;
    buf_init(&in, CTL_MAX_BYTES);
    while (ctl_receive(s->fd, &in, TALK_MS) == OK) {
        json_t *out = answer(c, buf_str(&in));
        char *text = json_dumps(out, JSON_COMPACT);
        enum err e = text ? ctl_send(s->fd, str_of(text), TALK_MS) : ERR_NOMEM;
        free(text);
        json_decref(out);
        if (e != OK)
            break;
    }
    buf_fini(&in);
    leave(c, s->fd);
    free(s);
    return NULL;
}

static void hand_over(struct control *c, int fd)
{
    struct served *s = malloc(sizeof *s);
    if (!s || !enter(c, fd)) {
        free(s);
        close(fd);
        return;
    }
    *s = (struct served){c, fd};
    pthread_attr_t attr;
    pthread_t t;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&t, &attr, serve, s) != 0) {
        leave(c, fd);
        free(s);
    }
    pthread_attr_destroy(&attr);
}

static void *accept_loop(void *arg)
{
    struct control *c = arg;
    for (;;) {
        struct pollfd p[2] = {{.fd = c->fd, .events = POLLIN},
                              {.fd = c->stop_fd, .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (p[1].revents)
            return NULL;
        int fd = p[0].revents ? accept4(c->fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0 && peer_may_talk(fd))
            hand_over(c, fd);
        else if (fd >= 0)
            close(fd);
    }
}

static enum err listen_on(const char *path, bool takes_over, int *out)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int probe;
    if (strlen(path) >= sizeof sa.sun_path)
        return ERR_LIMIT;
    memcpy(sa.sun_path, path, strlen(path) + 1);
    if (!takes_over && ctl_connect(path, &probe) == OK) {
        close(probe);
        return ERR_EXISTS;
    }
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    mode_t was = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)&sa, sizeof sa);
    int why = errno;
    umask(was);
    if (rc != 0 || listen(fd, CONTROL_MAX) != 0) {
        enum err e = err_from_errno(rc != 0 ? why : errno);
        close(fd);
        return e;
    }
    *out = fd;
    return OK;
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

enum err control_start(const char *path, bool takes_over, const struct control_verb *verbs,
                       void *ctx, struct control **out)
{
    int fd = -1;
    enum err e = listen_on(path, takes_over, &fd);
    if (e != OK)
        return e;
    struct control *c = calloc(1, sizeof *c);
    int stop_fd = eventfd(0, EFD_CLOEXEC);
    if (c) {
        *c = (struct control){.fd = fd, .stop_fd = stop_fd, .verbs = verbs, .ctx = ctx};
        memcpy(c->path, path, strlen(path) + 1);
        c->inode = inode_of(path);
        for (int i = 0; i < CONTROL_MAX; i++)
            c->fds[i] = -1;
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->idle, NULL);
    }
    if (!c || stop_fd < 0 || pthread_create(&c->acceptor, NULL, accept_loop, c) != 0) {
        close(fd);
        if (stop_fd >= 0)
            close(stop_fd);
        free(c);
        return ERR_NOMEM;
    }
    *out = c;
    return OK;
}

void control_stop(struct control *c)
{
    if (!c)
        return;
    uint64_t one = 1;
    must(write(c->stop_fd, &one, sizeof one) == (ssize_t)sizeof one);
    pthread_join(c->acceptor, NULL);
    close(c->fd);
    if (inode_of(c->path) == c->inode) /* else another process has taken over */
        unlink(c->path);
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < CONTROL_MAX; i++)
        if (c->fds[i] >= 0)
            shutdown(c->fds[i], SHUT_RD); /* the answer under way still goes out */
    while (c->n_serving)
        pthread_cond_wait(&c->idle, &c->lock);
    pthread_mutex_unlock(&c->lock);
    close(c->stop_fd);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->idle);
    free(c);
}
