/* listen: a listening socket of one worker (SO_REUSEPORT: the kernel spreads connections over the
 * workers), accepting in batches. Owner: caller's storage. Threads: open anywhere before the worker
 * runs, the rest on the worker. */
#ifndef PROXYD_IO_LISTEN_H
#define PROXYD_IO_LISTEN_H

#include "base/cidr.h"
#include "proxyd/io/loop.h"

struct listen {
    struct loop_fd lf; /* -1: not open */
    struct loop *loop;
    struct timer pause; /* after descriptors ran out */
    bool is_accepting;
    /* Takes fd. */
    void (*on_accept)(struct listen *l, int fd, const struct ip_port *client);
    void (*on_short)(struct listen *l); /* no descriptor or memory for the next; may be NULL */
    void *owner;
    size_t index; /* which configured listener; for the owner */
};

/* Binds and listens, close-on-exec, non-blocking; accepts nothing yet. *detail_errno (may be NULL)
 * gets errno of what failed. ERR_REFUSED: the address is in use or not ours. ERR_DENIED, ERR_IO. */
enum err listen_socket(const struct ip_port *at, int *fd, int *detail_errno) MUST_CHECK;

/* Starts accepting on the socket; takes take_fd on OK only. */
enum err listen_open(struct listen *l, struct loop *loop, int take_fd) MUST_CHECK;
void listen_close(struct listen *l); /* works on a zeroed one when lf.fd is -1 or loop NULL */

#endif
